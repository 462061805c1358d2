# the example ends here
curl -s -o body.json -w '%{http_code} %{content_type}\n' http://localhost:9615/api/processes
jq -c . body.json
