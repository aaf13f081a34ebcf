# requirements-dev.lock -> the part of it that builds our own package: hatchling and what it needs, each with its hashes.
/^[a-zA-Z0-9]/ { if (wanted) printf "%s", block; block = ""; wanted = /^hatchling==/ }
/^ *# via hatchling$/ || /^ *#   hatchling$/ { wanted = 1 }
{ block = block $0 "\n" }
END { if (wanted) printf "%s", block }
