// Credentials stand in the environment, and the token is renewed before it ends.
const BASE_URL = 'http://localhost:8080/v1';

async function post(path, body) {
  const response = await fetch(`${BASE_URL}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}

let { data: tokens } = await post('/auth/token', {
  api_key: process.env.API_KEY,
  api_secret: process.env.API_SECRET,
});
({ data: tokens } = await post('/auth/refresh', { refresh_token: tokens.refresh_token }));

const response = await fetch(`${BASE_URL}/messages`, {
  headers: { 'Authorization': `Bearer ${tokens.access_token}` },
});
const messages = await response.json();

// the example ends here
const limits = ['limit', 'remaining', 'reset'].map((name) => Number(response.headers.get(`x-ratelimit-${name}`)));
console.log(response.status, JSON.stringify(messages), tokens.token_type, tokens.expires_in);
console.log('limits', limits[0], limits[1] < limits[0], limits[2] > Date.now() / 1000 && limits[2] < Date.now() / 1000 + 62);
