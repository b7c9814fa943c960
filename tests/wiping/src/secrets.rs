//! The planted secrets.

/// The shortest piece of a secret that counts as one.
pub const FRAGMENT: usize = 12;

/// Access tokens. In this order each replaces the one before.
pub const ACCESS: [&str; 5] = [
    "access-token-1.apple/pear+plum=fig",
    "access-token-2.kiwi/mango+quince=grape",
    "access-token-3.cherry/date+melon=peach",
    "access-token-4.lime/lychee+currant=medlar",
    "access-token-5.damson/sloe+bilberry=haw",
];

/// Refresh tokens. In this order each replaces the one before.
pub const REFRESH: [&str; 5] = [
    "refresh-token-1.fennel/garlic+leek=chard",
    "refresh-token-2.carrot/radish+turnip=beet",
    "refresh-token-3.endive/cress+sorrel=kale",
    "refresh-token-4.parsnip/celery+okra=maize",
    "refresh-token-5.squash/pepper+marrow=yam",
];

/// The client's secret.
pub const CLIENT_SECRET: &str = "client-secret-1.walnut/almond+pecan=hazel";

/// The client's name and secret as an `Authorization` header has them (RFC 6749 section 2.3.1).
pub const BASIC: &str = "bXkrY2xpZW50OmNsaWVudC1zZWNyZXQtMS53YWxudXQlMkZhbG1vbmQlMkJwZWNhbiUzRGhhemVs";

/// An id_token for `https://id.test alice`. Its claims are no secret, its text is: some servers take it for a login.
pub const ID_TOKEN: &str =
    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczpcL1wvaWQudGVzdCIsInN1YiI6ImFsaWNlIn0.c2lnbmF0dXJlLW9mLWFuLWlkLXRva2Vu";

/// The third refresh token as a JSON string that escapes every letter.
pub const ESCAPED: &str = concat!(
    r"\u0072\u0065\u0066\u0072\u0065\u0073\u0068\u002d\u0074\u006f\u006b\u0065\u006e\u002d\u0033\u002e",
    r"\u0065\u006e\u0064\u0069\u0076\u0065\u002f\u0063\u0072\u0065\u0073\u0073\u002b\u0073\u006f\u0072",
    r"\u0072\u0065\u006c\u003d\u006b\u0061\u006c\u0065",
);

/// Everything the allocator searches for.
#[rustfmt::skip]
pub const PLANTED: &[&str] = &[
    ACCESS[0], ACCESS[1], ACCESS[2], ACCESS[3], ACCESS[4], REFRESH[0], REFRESH[1], REFRESH[2], REFRESH[3], REFRESH[4],
    CLIENT_SECRET, BASIC, ID_TOKEN, ESCAPED,
];
