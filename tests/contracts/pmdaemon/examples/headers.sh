curl -H "Authorization: Bearer your-secret-api-key" \
http://localhost:9615/api/processes
curl -H "X-API-Key: your-secret-api-key" \
http://localhost:9615/api/processes
curl -H "Authorization: ApiKey your-secret-api-key" \
http://localhost:9615/api/processes
