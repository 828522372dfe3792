"""Prints the service's model from a wheel of botocore: the newest API version in it."""

import gzip
import sys
import zipfile

wheel = zipfile.ZipFile(sys.argv[1])
folder = "botocore/data/devops-agent/"
models = [name for name in wheel.namelist() if name.startswith(folder) and "/service-2.json" in name]
if not models:
    sys.exit(f"{sys.argv[1]} has no {folder}*/service-2.json: this version does not know the service")
text = wheel.read(max(models))
sys.stdout.buffer.write(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text)
