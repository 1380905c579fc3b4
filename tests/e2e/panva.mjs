// npm's oidc-provider (panva) for one client. Its ID tokens say who, and userinfo says the rest.
// Arguments: port, client id, client secret, redirect URIs.
import Provider from "oidc-provider";

const [port, clientId, clientSecret, ...redirectUris] = process.argv.slice(2);
const PEOPLE = { ada: "Ada Lovelace", eve: "Eve" };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: redirectUris,
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for tests"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: PEOPLE[id],
      email: `${id}@${id === "eve" ? "elsewhere.test" : "example.com"}`,
      email_verified: true,
    }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
