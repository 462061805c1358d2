# A browser of the dashboard: it signs in and keeps the cookie. Nothing of this is printed in the documents.
set -euo pipefail
app=http://localhost:3000
jar=cookies
login() {
  curl -s -c $jar -X POST $app/_keyward/login -H "Content-Type: application/json" \
    -d "{\"username\": \"admin\", \"password\": \"$1\", \"session\": true}"
}
echo "wrong $(login wrong-password | jq -r .error)"
CSRF=$(login password | jq -r .csrf_token)
whoami() { curl -s -b $jar $app/api/whoami "$@"; }
echo "who $(whoami | jq -c '[."keyward-kind", ."keyward-name", ."keyward-scopes"]')"
echo "cookie $(whoami | jq -r .cookie)"
# Before a key, in the order of the documents.
echo "first $(whoami -H "x-api-key: client-key-1" | jq -r '."keyward-kind"')"
ask() {
  curl -s -o answer -w '%{http_code} ' -b $jar -X POST $app/api/ask -H "Content-Type: application/json" -d '{"question": "How?"}' "$@"
  jq -c '[.jobId, .reason // .error]' answer
}
echo "asked $(ask -H "Keyward-CSRF: $CSRF")"
echo "from elsewhere $(ask -H "Keyward-CSRF: $CSRF" -H "Origin: https://evil.example")"
echo "without its token $(ask)"
# Sessions are limited too.
echo "over $(curl -s -o answer -w '%{http_code} ' -b $jar $app/api/whoami && jq -r .error answer)"
echo "a client $(curl -s $app/api/whoami -H "x-api-key: client-key-1" | jq -r '."keyward-name"')"
echo "out $(curl -s -o /dev/null -w '%{http_code}' -b $jar -X POST $app/_keyward/logout -H "Keyward-CSRF: $CSRF")"
echo "then $(curl -s -o answer -w '%{http_code} ' -b $jar $app/api/whoami && jq -r .error answer)"
