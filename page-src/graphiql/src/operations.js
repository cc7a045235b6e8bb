// The tabs that GraphiQL opens with, in the order in which a newcomer needs them.
// tests/page/test_graphiql_built.py holds each, with its variables, against schema.graphql.
import signIn from "../operations/sign-in.graphql?raw";
import signInVariables from "../operations/sign-in.json?raw";
import addKey from "../operations/add-key.graphql?raw";
import addKeyVariables from "../operations/add-key.json?raw";
import keys from "../operations/keys.graphql?raw";
import createTool from "../operations/create-tool.graphql?raw";
import createToolVariables from "../operations/create-tool.json?raw";
import removeKey from "../operations/remove-key.graphql?raw";
import removeKeyVariables from "../operations/remove-key.json?raw";
import setCeiling from "../operations/set-ceiling.graphql?raw";
import setCeilingVariables from "../operations/set-ceiling.json?raw";
import spend from "../operations/spend.graphql?raw";
import spendVariables from "../operations/spend.json?raw";
import keyRevoked from "../operations/key-revoked.graphql?raw";
import ceilingHit from "../operations/ceiling-hit.graphql?raw";

export const operations = [
  { query: signIn, variables: signInVariables },
  { query: addKey, variables: addKeyVariables },
  { query: keys },
  { query: createTool, variables: createToolVariables },
  { query: setCeiling, variables: setCeilingVariables },
  { query: spend, variables: spendVariables },
  { query: removeKey, variables: removeKeyVariables },
  { query: keyRevoked },
  { query: ceilingHit },
];
