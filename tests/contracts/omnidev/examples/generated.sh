node -e "console.log(require('crypto').randomBytes(32).toString('hex'))"
openssl rand -hex 32
python3 -c "import secrets; print(secrets.token_hex(32))"

# the example ends here
echo made
