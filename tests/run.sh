#!/usr/bin/env bash
# Sets up everything on a fresh machine and runs every check: bash tests/run.sh [pytest arguments]
# A browser (Chromium) and the Fashion-MNIST files come from Debian's packages; the rest from pip.
set -euo pipefail
cd "$(dirname "$0")/.."

need=()
command -v chromium >/dev/null || need+=(chromium)
[ -d /usr/share/datasets/fashion-mnist ] || need+=(dataset-fashion-mnist)
python3 -c "import ensurepip, venv" 2>/dev/null || need+=(python3-venv)
if [ ${#need[@]} -gt 0 ]; then
  as_root=""
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq --no-install-recommends "${need[@]}"
fi

# A virtual environment from the requirements files alone, made anew when they change.
venv=.venv-test
stamp=$(cat requirements.txt requirements-dev.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat "$venv/stamp" 2>/dev/null || true)" != "$stamp" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
  echo "$stamp" > "$venv/stamp"
fi
bin=$PWD/$venv/bin

"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
"$bin/lint-imports"
"$bin/python" -m pytest -n 2 --dist loadgroup "$@"
