# 1. Login to get JWT token
TOKEN=$(curl -s -X POST http://localhost:8080/api/v1/auth/login \
-H "Content-Type: application/json" \
-d '{"username": "admin", "password": "password"}' \
| jq -r '.token')
# 2. Create an API key for automation
API_KEY=$(curl -s -X POST http://localhost:8080/api/v1/api-keys \
-H "Authorization: Bearer $TOKEN" \
-H "Content-Type: application/json" \
-d '{"name": "automation"}' \
| jq -r '.key')
# 3. Use API key for subsequent requests
curl http://localhost:8080/api/v1/workflows \
-H "X-API-Key: $API_KEY"

# the example ends here
echo
set -euo pipefail
api=http://localhost:8080/api/v1
echo "key $(echo "$API_KEY" | grep -c '^m9m_sk_')"
echo "by token $(curl -s $api/workflows -H "Authorization: Bearer $TOKEN" | jq -r .caller)"
echo "header $(echo "$TOKEN" | cut -d. -f1 | base64 -d 2>/dev/null | jq -c '[.alg, .typ]')"
# Shapes, names in order.
LOGIN=$(curl -s -X POST $api/auth/login -H "Content-Type: application/json" -d '{"username": "admin", "password": "password"}')
echo "login $(echo "$LOGIN" | jq -c '[keys_unsorted, (.user | keys_unsorted), .user.username]')"
LEFT=$(($(date -d "$(echo "$LOGIN" | jq -r .expiresAt)" +%s) - $(date +%s)))
echo "a day $((LEFT > 86390 && LEFT <= 86400))"
echo "$LOGIN" | jq -r .expiresAt | grep -q 'Z$' && echo "in UTC"
MADE=$(curl -s -w '%{http_code}' -X POST $api/api-keys -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d "{\"name\": \"CI/CD Integration\", \"expiresAt\": \"$(date -u -d '+1 year' +%Y-%m-%dT00:00:00Z)\"}")
echo "made $(echo "${MADE%201}" | jq -c '[keys_unsorted, .name]') ${MADE: -3}"
ID=$(echo "${MADE%201}" | jq -r .id)
KEY=$(echo "${MADE%201}" | jq -r .key)
LIST=$(curl -s $api/api-keys -H "X-API-Key: $API_KEY")
echo "list $(echo "$LIST" | jq -c '[keys_unsorted, .count, (.data[0] | keys_unsorted)]')"
echo "shown again $(echo "$LIST" | grep -c -e "$KEY" -e "$API_KEY")"
echo "past $(curl -s -w '%{http_code}' -X POST $api/api-keys -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"name": "x", "expiresAt": "2020-01-01T00:00:00Z"}' | tr -d '\n' | grep -o 'VALIDATION_ERROR.*400')"
echo "deleted $(curl -s -o /dev/null -w '%{http_code}' -X DELETE $api/api-keys/$ID -H "X-API-Key: $API_KEY")"
echo "then $(curl -s -o /dev/null -w '%{http_code}' $api/workflows -H "X-API-Key: $KEY")"
echo "again $(curl -s -w '%{http_code}' -X DELETE $api/api-keys/key_gone -H "X-API-Key: $API_KEY" | tr -d '\n' | grep -o 'NOT_FOUND.*404')"
FRESH=$(curl -s -X POST $api/auth/refresh -H "Authorization: Bearer $TOKEN")
echo "fresh $(echo "$FRESH" | jq -c keys_unsorted) $(curl -s $api/workflows -H "Authorization: Bearer $(echo "$FRESH" | jq -r .token)" | jq -r .caller)"
echo "old $(curl -s $api/workflows -H "Authorization: Bearer $TOKEN" | jq -r .caller)"
echo "none $(curl -s -X POST $api/auth/refresh | jq -r .code)"
echo "out $(curl -s -o /dev/null -w '%{http_code}' -X POST $api/auth/logout -H "Authorization: Bearer $TOKEN")"
echo "then $(curl -s $api/workflows -H "Authorization: Bearer $TOKEN" | jq -c .)"
