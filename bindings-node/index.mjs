import tokenward from './index.cjs';

export const {
  TokenSource,
  AccessToken,
  TokenError,
  SignedOutError,
  ReauthRequiredError,
  MisconfiguredError,
  UnavailableError,
  BlockedError,
  StoreBusyError,
  StoreUnreadableError,
  StoreUnwritableError,
  DowngradeError,
  AccountMismatchError,
} = tokenward;
export default tokenward;
