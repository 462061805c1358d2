# the example ends here
set -euo pipefail
api=http://localhost:8080/v1
token() { curl -s -X POST $api/auth/token -H "Content-Type: application/json" -d "{\"api_key\": \"$API_KEY\", \"api_secret\": \"$API_SECRET\"}" | jq -r .data.access_token; }
FIRST=$(token)
SECOND=$(token)
call() { curl -s -D headers -o body -w '%{http_code}' $api/messages -H "Authorization: Bearer $1"; }
field() { tr -d '\r' < headers | sed -n "s/^$1: //Ip"; }
call "$FIRST" > status
echo "plan $(curl -s $api/auth/me -H "Authorization: Bearer $FIRST" | jq -r .data.tenant.plan) $(field x-ratelimit-limit) $(field x-ratelimit-remaining)"
for _ in 1 2 3 4; do call "$FIRST" > status; call "$SECOND" > status; done
LAST=$(call "$SECOND")
echo "last $LAST $(field x-ratelimit-remaining)"
OVER=$(call "$FIRST")
echo "over $OVER $(jq -c --argjson wait "$(field retry-after)" '.error.retry_after |= (. == $wait)' body)"
RESET=$(($(field x-ratelimit-reset) - $(date +%s)))
echo "fields $(field x-ratelimit-limit) $(field x-ratelimit-remaining) $((RESET > 0 && RESET <= 61))"
echo "own $(curl -s -o /dev/null -w '%{http_code}' $api/auth/me -H "Authorization: Bearer $FIRST")"
