// Compiled, never run: the same from CommonJS.
import tokenward = require('../index.cjs');

const source: tokenward.TokenSource = tokenward.TokenSource.static('access-token-1');
export const token: Promise<tokenward.AccessToken> = source.refresh();
