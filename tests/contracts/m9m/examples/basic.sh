curl http://localhost:8080/api/v1/workflows \
-u "admin:password"

# Or with explicit header
curl http://localhost:8080/api/v1/workflows \
-H "Authorization: Basic YWRtaW46cGFzc3dvcmQ="

# the example ends here
echo
