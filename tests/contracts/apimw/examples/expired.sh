# the example ends here
set -euo pipefail
api=http://localhost:8080/v1
post() { curl -s -X POST "$api/auth/$1" -H "Content-Type: application/json" -d "$2"; }
calls() { curl -s $api/messages -H "Authorization: Bearer $1"; }
me() { curl -s $api/auth/me -H "Authorization: Bearer $1"; }
TOKENS=$(post token "{\"api_key\": \"$API_KEY\", \"api_secret\": \"$API_SECRET\"}")
# By a call that no plan counts: a fast machine would use the plan up before the token ends.
until [ "$(me "$(echo "$TOKENS" | jq -r .data.access_token)" | jq -r '.error.code? // ""')" = EXPIRED_TOKEN ]; do :; done
echo "then $(calls "$(echo "$TOKENS" | jq -r .data.access_token)")"
echo "fresh $(calls "$(post refresh "{\"refresh_token\": \"$(echo "$TOKENS" | jq -r .data.refresh_token)\"}" | jq -r .data.access_token)" | jq -r .caller)"
