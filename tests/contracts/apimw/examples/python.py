import os
import requests

BASE_URL = 'http://localhost:8080/v1'

tokens = requests.post(f'{BASE_URL}/auth/token', json={
    'api_key': os.environ['API_KEY'],
    'api_secret': os.environ['API_SECRET'],
}).json()['data']

headers = {'Authorization': f"Bearer {tokens['access_token']}"}
response = requests.get(f'{BASE_URL}/messages', headers=headers)
messages = response.json()

# the example ends here
print(response.status_code, messages['caller'], tokens['token_type'], tokens['expires_in'])
me = requests.get(f'{BASE_URL}/auth/me', headers=headers).json()
print(me['success'], me['data']['tenant']['plan'])
