# the example ends here
set -euo pipefail
api=http://localhost:8080/v1
TOKEN=$(curl -s -X POST $api/auth/token -H "Content-Type: application/json" -d "{\"api_key\": \"$API_KEY\", \"api_secret\": \"$API_SECRET\"}" | jq -r .data.access_token)
ANSWER=$(curl -s -i $api/messages -H "Authorization: Bearer $TOKEN" | tr -d '\r')
echo "of $(echo "$ANSWER" | sed -n 's/^x-ratelimit-limit: //Ip') $(curl -s $api/auth/me -H "Authorization: Bearer $TOKEN" | jq -r .data.tenant.plan)"
