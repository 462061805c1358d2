const API_KEY = 'your-secret-api-key';
const BASE_URL = 'http://localhost:9615';

// Using fetch with Bearer token
const response = await fetch(`${BASE_URL}/api/processes`, {
headers: {
'Authorization': `Bearer ${API_KEY}`
}
});

// Using fetch with X-API-Key header
const response2 = await fetch(`${BASE_URL}/api/processes`, {
headers: {
'X-API-Key': API_KEY
}
});

const processes = await response.json();

// the example ends here
console.log(response.status, response2.status, JSON.stringify(processes));
