# 1. API credentials for tokens
TOKENS=$(curl -s -X POST http://localhost:8080/v1/auth/token \
  -H "Content-Type: application/json" \
  -d "{\"api_key\": \"$API_KEY\", \"api_secret\": \"$API_SECRET\"}")
ACCESS_TOKEN=$(echo "$TOKENS" | jq -r '.data.access_token')
REFRESH_TOKEN=$(echo "$TOKENS" | jq -r '.data.refresh_token')
# 2. The access token for the API
curl -s http://localhost:8080/v1/messages -H "Authorization: Bearer $ACCESS_TOKEN"

# the example ends here
echo
set -euo pipefail
auth=http://localhost:8080/v1/auth
post() { curl -s -X POST "$auth/$1" -H "Content-Type: application/json" "${@:2}"; }
calls() { curl -s http://localhost:8080/v1/messages -H "Authorization: Bearer $1"; }
status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
echo "pair $(echo "$API_KEY $API_SECRET" | grep -c '^ak_live_.* sk_live_')"
echo "shape $(echo "$TOKENS" | jq -c '[keys_unsorted, .success, (.data | keys_unsorted), .data.token_type, .data.expires_in]')"
echo "refresh token $(echo "$REFRESH_TOKEN" | grep -c '^rt_')"
echo "header $(echo "$ACCESS_TOKEN" | cut -d. -f1 | base64 -d 2>/dev/null | jq -c '[.alg, .typ]')"
ME=$(curl -s $auth/me -H "Authorization: Bearer $ACCESS_TOKEN")
echo "me $(echo "$ME" | jq -c '[keys_unsorted, .success, (.data | keys_unsorted), (.data.user | keys_unsorted), (.data.tenant | keys_unsorted)]')"
echo "who $(echo "$ME" | jq -c '[.data.user.name, .data.tenant.name, .data.tenant.plan, .data.tenant.status, .data.permissions]')"
echo "ids $(echo "$ME" | jq -r '.data.user.id + .data.tenant.id' | grep -c '^user_.*acc_')"
# Single use, both new; what is spent ends the family when it is shown again.
NEXT=$(post refresh -d "{\"refresh_token\": \"$REFRESH_TOKEN\"}")
NEXT_ACCESS=$(echo "$NEXT" | jq -r .data.access_token)
NEXT_REFRESH=$(echo "$NEXT" | jq -r .data.refresh_token)
echo "next $(echo "$NEXT" | jq -c '[keys_unsorted, (.data | keys_unsorted)]') $([ "$NEXT_ACCESS" != "$ACCESS_TOKEN" ] && [ "$NEXT_REFRESH" != "$REFRESH_TOKEN" ] && echo new)"
echo "both $(calls "$ACCESS_TOKEN" | jq -r .caller) $(calls "$NEXT_ACCESS" | jq -r .caller)"
echo "again $(post refresh -d "{\"refresh_token\": \"$REFRESH_TOKEN\"}")"
echo "family $(calls "$NEXT_ACCESS" | jq -r .error.code) $(post refresh -d "{\"refresh_token\": \"$NEXT_REFRESH\"}" | jq -r .error.code)"
# Revoking.
TOKENS=$(post token -d "{\"api_key\": \"$API_KEY\", \"api_secret\": \"$API_SECRET\"}")
ACCESS=$(echo "$TOKENS" | jq -r .data.access_token)
REFRESH=$(echo "$TOKENS" | jq -r .data.refresh_token)
echo "revoked $(post revoke -H "Authorization: Bearer $ACCESS" -d "{\"refresh_token\": \"$REFRESH\"}") $(calls "$ACCESS" | jq -r .error.code) $(post refresh -d "{\"refresh_token\": \"$REFRESH\"}" | jq -r .error.code)"
ACCESS=$(post token -d "{\"api_key\": \"$API_KEY\", \"api_secret\": \"$API_SECRET\"}" | jq -r .data.access_token)
echo "without a body $(curl -s -X POST $auth/revoke -H "Authorization: Bearer $ACCESS") $(status $auth/me -H "Authorization: Bearer $ACCESS")"
# The same exchange by the standard, at Keyward's own path.
STANDARD=$(curl -s -u "$API_KEY:$API_SECRET" -d grant_type=client_credentials http://localhost:8080/_keyward/token)
echo "standard $(echo "$STANDARD" | jq -c 'keys_unsorted') $(calls "$(echo "$STANDARD" | jq -r .access_token)" | jq -r .caller)"
echo "standard refresh $(curl -s -u "$API_KEY:$API_SECRET" -d grant_type=refresh_token --data-urlencode "refresh_token=$(echo "$STANDARD" | jq -r .refresh_token)" http://localhost:8080/_keyward/token | jq -r .token_type)"
echo "standard wrong $(curl -s -u "$API_KEY:x" -d grant_type=client_credentials http://localhost:8080/_keyward/token | jq -r .error)"
