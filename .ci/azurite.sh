#!/bin/sh
# Installs the blob storage emulator Azurite into .tools/azurite, unless that version is there already.
# The tests that need it find it there, or where AZLEDGER_AZURITE says.
set -eu
cd "$(dirname "$0")/.."
want=.ci/node/azurite
have=.tools/azurite

if [ -x "$have/node_modules/.bin/azurite-blob" ] && cmp -s "$want/package-lock.json" "$have/package-lock.json"; then
    exit 0
fi
for tool in node npm; do
    command -v "$tool" >/dev/null || {
        echo "azurite.sh: $tool is missing: install Node.js 20 or later with npm," >&2
        echo "or set AZLEDGER_AZURITE to the azurite-blob of an installation of Azurite 3.37.0" >&2
        exit 1
    }
done
rm -rf "$have"
mkdir -p "$have"
cp "$want/package.json" "$have/"
# Copied under another name until the installation is whole, as its presence says that it is.
cp "$want/package-lock.json" "$have/npm-shrinkwrap.json"
# No package's install script runs: Azurite needs none.
(cd "$have" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 || {
    echo "azurite.sh: npm could not install azurite 3.37.0 (see above): check the network and npm's registry setting" >&2
    exit 1
}
mv "$have/npm-shrinkwrap.json" "$have/package-lock.json"
