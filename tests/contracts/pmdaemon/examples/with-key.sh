# Test with authentication
curl -H "X-API-Key: your-key" http://localhost:9615/api/processes
