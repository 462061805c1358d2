# Each kind of webhook authentication, by curl and openssl.
set -euo pipefail
hooks=http://localhost:8080/webhook
body='{"event":  "paid", "amount": 12.50, "name": "Zoë"}'

# What a sender makes of a text: HMAC-SHA-256 in hexadecimal, in base64, and as base64url.
hex() { printf %s "$2" | openssl dgst -sha256 -hmac "$1" -r | cut -d' ' -f1; }
base64_of() { printf %s "$2" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary | base64; }
url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
jwt() {
  local text
  text="$(printf %s "$2" | url).$(printf %s "$3" | url)"
  echo "$text.$(printf %s "$text" | openssl dgst -sha256 -hmac "$1" -binary | url)"
}
# post PATH HEADER…: the status, and whom the API saw or what the answer says of it.
post() {
  local path=$1 line args=(); shift
  for line in "$@"; do args+=(-H "$line"); done
  curl -s ${from:+--interface "$from"} -w '\n%{http_code}' "$hooks/$path" --data-binary "${sent-$body}" -H 'Content-Type: application/json' "${args[@]}" \
    | jq -rs '"\(.[1]) \(.[0].caller // .[0].code // "nobody")"'
}
# told NAME PATH HEADER…: what passes passes, and not from elsewhere.
told() {
  local name=$1; shift
  echo "$name $(from=127.0.0.8 post "$@") then $(post "$@")"
}
now=$(date +%s)
basic() { printf 'Authorization: Basic %s' "$(printf %s "$1" | base64)"; }
bearer() { printf 'Authorization: Bearer %s' "$(jwt "$@")"; }

told none open
told header token "X-Webhook-Token: an-inbound-token-of-thirty-two-bytes"
echo "header wrong $(post token "X-Webhook-Token: an-inbound-token-of-thirty-two-byteS")"
echo "header empty $(post token "X-Webhook-Token;")"
echo "header none $(post token)"

told basic bot "$(basic "bot:correct horse battery")"
echo "basic wrong $(post bot "$(basic "bot:correct horse")")"
echo "basic of another $(post bot "$(basic "admin:correct horse battery")")"
echo "basic of a user $(post bot "$(basic "admin:password")")"
echo "basic empty $(post bot "$(basic ":")")"
echo "basic any $(post bot "Authorization: Basic anything")"
echo "basic none $(post bot)"
echo "basic at the API $(hooks=${hooks%/webhook} post api/v1/workflows "$(basic "bot:correct horse battery")")"

signing=0123456789abcdef-0123456789abcdef
told hmac signed "X-Signature-256: sha256=$(hex $signing "$body")"
echo "hmac wrong $(post signed "X-Signature-256: sha256=$(hex "${signing}0" "$body")")"
echo "hmac of another body $(sent="${body/12.50/12.5}" post signed "X-Signature-256: sha256=$(hex $signing "$body")")"
echo "hmac by the empty secret $(post signed "X-Signature-256: sha256=$(printf %s "$body" | openssl dgst -sha256 -mac HMAC -macopt hexkey: -r | cut -d' ' -f1)")"
echo "hmac none $(post signed)"
large=$(printf '{"fill": "%1100s"}' x)
echo "hmac large $(sent=$large post signed "X-Signature-256: sha256=$(hex $signing "$large")")"

timed() { printf 'X-Signature-256: sha256=%s' "$(hex $signing "$1.$body")"; }
told "hmac with time" timed "$(timed "$now")" "X-Timestamp: $now"
echo "hmac with time again $(post timed "$(timed "$now")" "X-Timestamp: $now")"
echo "hmac with time late $(post timed "$(timed $((now - 310)))" "X-Timestamp: $((now - 310))")"
echo "hmac with time early $(post timed "$(timed $((now + 310)))" "X-Timestamp: $((now + 310))")"
echo "hmac with time moved $(post timed "$(timed "$now")" "X-Timestamp: $((now + 1))")"
echo "hmac with time left out $(post timed "X-Signature-256: sha256=$(hex $signing "$body")")"

partner=a-secret-that-one-partner-signs-with
head='{"alg":"HS256","typ":"JWT"}'
told jwt partner "$(bearer $partner "$head" "{\"iss\":\"partner\",\"exp\":$((now + 60))}")"
echo "jwt wrong $(post partner "$(bearer "${partner}0" "$head" "{\"exp\":$((now + 60))}")")"
echo "jwt ended $(post partner "$(bearer $partner "$head" "{\"exp\":$((now - 1))}")")"
echo "jwt without an end $(post partner "$(bearer $partner "$head" '{}')")"
echo "jwt unsigned $(post partner "Authorization: Bearer $(printf '{"alg":"none"}' | url).$(printf '{"exp":%s}' $((now + 60)) | url).")"
TOKEN=$(curl -s "${hooks%/webhook}/api/v1/auth/login" -H 'Content-Type: application/json' -d '{"username": "admin", "password": "password"}' | jq -r .token)
test ${#TOKEN} -gt 100
echo "jwt of a user $(post partner "Authorization: Bearer $TOKEN")"
echo "jwt none $(post partner)"
echo "jwt at the API $(hooks=${hooks%/webhook} post api/v1/workflows "$(bearer $partner "$head" "{\"exp\":$((now + 60))}")")"

stripe=whsec_0123456789abcdefghijklmnopqrstuv
told stripe stripe "Stripe-Signature: t=$now,v1=$(hex $stripe "$now.$body"),v0=00"
echo "stripe again $(post stripe "Stripe-Signature: t=$now,v1=$(hex $stripe "$now.$body")")"
echo "stripe wrong $(post stripe "Stripe-Signature: t=$now,v1=$(hex whsec_ "$now.$body")")"
echo "stripe late $(post stripe "Stripe-Signature: t=$((now - 310)),v1=$(hex $stripe "$((now - 310)).$body")")"

key=$(printf %s MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw | base64 -d | od -An -tx1 | tr -d ' \n')
told standard standard "webhook-id: msg_1" "webhook-timestamp: $now" "webhook-signature: v1,$(base64_of "$key" "msg_1.$now.$body")"
echo "standard again $(post standard "webhook-id: msg_1" "webhook-timestamp: $now" "webhook-signature: v1,$(base64_of "$key" "msg_1.$now.$body")")"
echo "standard wrong $(post standard "webhook-id: msg_2" "webhook-timestamp: $now" "webhook-signature: v1,$(base64_of "$key" "msg_1.$now.$body")")"
old=$((now - 310))
echo "standard late $(post standard "webhook-id: msg_3" "webhook-timestamp: $old" "webhook-signature: v1,$(base64_of "$key" "msg_3.$old.$body")")"
