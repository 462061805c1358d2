import requests

API_KEY = 'your-secret-api-key'
BASE_URL = 'http://localhost:9615'

# Using Authorization header
headers = {'Authorization': f'Bearer {API_KEY}'}
response = requests.get(f'{BASE_URL}/api/processes', headers=headers)

# Using X-API-Key header
headers = {'X-API-Key': API_KEY}
response = requests.get(f'{BASE_URL}/api/processes', headers=headers)

processes = response.json()

# the example ends here
print(response.status_code, processes)
