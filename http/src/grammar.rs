//! The grammar of RFC 9112 and RFC 9110, a function a rule. Nothing lenient: what the RFCs allow a
//! recipient to forgive (a bare LF, folded lines, space around a name) is where two parsers
//! disagree and requests are smuggled.

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{all_consuming, map, map_opt, opt, recognize, verify};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

/// `method SP request-target SP HTTP-version CRLF` (RFC 9112, 3).
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a str,
    pub(crate) version: (u8, u8),
}

/// `HTTP-version SP status-code SP [ reason-phrase ] CRLF` (4).
pub(crate) struct StatusLine {
    pub(crate) version: (u8, u8),
    pub(crate) status: u16,
}

/// An entity tag (RFC 9110, 8.8.3), without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntityTag<'a> {
    pub(crate) weak: bool,
    pub(crate) opaque: &'a [u8],
}

/// One range of bytes as asked for (RFC 9110, 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangeSpec {
    /// From the first position to the last, both included, or to the end.
    From(u64, Option<u64>),
    /// The last so many bytes.
    Suffix(u64),
}

pub(crate) fn request_line(input: &[u8]) -> IResult<&[u8], RequestLine<'_>> {
    map(
        terminated((token, tag(" "), target, tag(" "), version), tag("\r\n")),
        |(method, _, target, _, version)| RequestLine {
            method,
            target,
            version,
        },
    )
    .parse(input)
}

pub(crate) fn status_line(input: &[u8]) -> IResult<&[u8], StatusLine> {
    let status = map_opt(take_while_m_n(3, 3, |b: u8| b.is_ascii_digit()), decimal);
    let status = verify(status, |status| *status >= 100);
    // The space before an absent reason is left out by many servers, and harmless.
    let reason = opt(preceded(tag(" "), take_while(is_field_byte)));
    map(
        (version, tag(" "), status, reason, tag("\r\n")),
        |(version, _, status, _, _)| StatusLine {
            version,
            // Three digits always fit.
            status: u16::try_from(status).unwrap_or_default(),
        },
    )
    .parse(input)
}

/// `field-name ":" OWS field-value OWS CRLF` (5). No space before the colon, no folding.
pub(crate) fn field_line(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    let value = map(take_while(is_field_byte), trim);
    terminated(separated_pair(token, tag(":"), value), tag("\r\n")).parse(input)
}

/// `chunk-size [ chunk-ext ] CRLF` without its end (7.1), and how long the extensions were.
pub(crate) fn chunk_line(line: &[u8]) -> Option<(u64, usize)> {
    // Sixteen digits fill 64 bits; more of them are an attack even if they are zeros.
    let size = map_opt(
        take_while_m_n(1, 16, |b: u8| b.is_ascii_hexdigit()),
        hexadecimal,
    );
    let (_, (size, extensions)) = all_consuming((size, recognize(many0_count(chunk_extension))))
        .parse(line)
        .ok()?;
    Some((size, extensions.len()))
}

/// `BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ]` (7.1.1).
fn chunk_extension(input: &[u8]) -> IResult<&[u8], ()> {
    let value = preceded((spaces, tag("="), spaces), alt((token, quoted)));
    map((spaces, tag(";"), spaces, token, opt(value)), |_| ()).parse(input)
}

/// `"` text with `\` before any byte that stands for itself `"` (RFC 9110, 5.6.4).
fn quoted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let text = take_while1(|b: u8| is_field_byte(b) && b != b'"' && b != b'\\');
    let pair = recognize((
        char('\\'),
        verify(take_while_m_n(1, 1, is_field_byte), |_: &[u8]| true),
    ));
    recognize((char('"'), many0_count(alt((text, pair))), char('"'))).parse(input)
}

/// `"*"` gives `None`, else the tags, one by one, to `matches` until it finds one (RFC 9110, 13.1).
/// A list that breaks the grammar matches nothing from there on.
pub(crate) fn any_entity_tag(value: &[u8], matches: impl Fn(EntityTag<'_>) -> bool) -> bool {
    let mut rest = value;
    loop {
        // Empty elements of a list are allowed (RFC 9110, 5.6.1.2).
        let separators = take_while(|b: u8| matches!(b, b',' | b' ' | b'\t'));
        let found: IResult<&[u8], EntityTag<'_>> = preceded(separators, entity_tag).parse(rest);
        let Ok((after, tag)) = found else {
            return false;
        };
        if matches(tag) {
            return true;
        }
        rest = after;
    }
}

/// `[ "W/" ] DQUOTE *etagc DQUOTE`.
pub(crate) fn entity_tag(input: &[u8]) -> IResult<&[u8], EntityTag<'_>> {
    let opaque = take_while(|b: u8| matches!(b, 0x21 | 0x23..=0x7e | 0x80..=0xff));
    map(
        (opt(tag("W/")), delimited(char('"'), opaque, char('"'))),
        |(weak, opaque)| EntityTag {
            weak: weak.is_some(),
            opaque,
        },
    )
    .parse(input)
}

/// The single range of a `Range` field in bytes. `None` for other units, several ranges, and what
/// breaks the grammar: all of these are answered as if there were no such field (RFC 9110, 14.2).
pub(crate) fn single_range(value: &[u8]) -> Option<RangeSpec> {
    let suffix = map(preceded(char('-'), number), RangeSpec::Suffix);
    let from = map(
        verify(
            (terminated(number, char('-')), opt(number)),
            |(first, last)| last.is_none_or(|last| *first <= last),
        ),
        |(first, last)| RangeSpec::From(first, last),
    );
    let (_, range) = all_consuming(preceded(tag_no_case("bytes="), alt((from, suffix))))
        .parse(value)
        .ok()?;
    Some(range)
}

/// `uri-host [ ":" port ]` (RFC 9110, 7.2; RFC 3986, 3.2.2). The host may be empty.
pub(crate) fn is_host(value: &[u8]) -> bool {
    let literal = recognize(delimited(
        char('['),
        take_while1(|b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')),
        char(']'),
    ));
    let plain = take_while1(|b| is_unreserved(b) || is_sub_delimiter(b));
    let encoded = recognize((
        char('%'),
        take_while_m_n(2, 2, |b: u8| b.is_ascii_hexdigit()),
    ));
    let name = recognize(many0_count(alt((plain, encoded))));
    let port = opt(preceded(
        char(':'),
        take_while_m_n(0, 5, |b: u8| b.is_ascii_digit()),
    ));
    let parsed: IResult<&[u8], _> = all_consuming((alt((literal, name)), port)).parse(value);
    parsed.is_ok()
}

/// Digits only, and no more than fit (RFC 9110, 8.6): no sign, no space, no list.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    let (_, length) = all_consuming(number).parse(value).ok()?;
    Some(length)
}

/// The elements of a comma-separated list of tokens, without the empty ones (RFC 9110, 5.6.1).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|b| *b == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// An element with its weight in thousandths (RFC 9110, 12.4.2): 1 where there is none. `None` for what
/// breaks the grammar.
pub(crate) fn weighted(element: &[u8]) -> Option<(&[u8], u16)> {
    let digits = take_while_m_n(0, 3, |b: u8| b.is_ascii_digit());
    let fraction = map_opt(opt(preceded(char('.'), digits)), |digits: Option<&[u8]>| {
        let digits = digits.unwrap_or_default();
        let scale = [1000, 100, 10, 1].get(digits.len())?;
        Some(decimal(digits).unwrap_or_default() as u16 * scale)
    });
    let weight = map((one_of("01"), fraction), |(whole, fraction)| {
        fraction + if whole == '1' { 1000 } else { 0 }
    });
    let weight = verify(weight, |weight| *weight <= 1000);
    let parameter = preceded((spaces, char(';'), spaces, tag_no_case("q=")), weight);
    let (_, (name, weight)) = all_consuming((token, opt(parameter))).parse(element).ok()?;
    Some((name, weight.unwrap_or(1000)))
}

/// Whether `text` can stand in a request line as a path and query.
pub(crate) fn is_target(text: &str) -> bool {
    text.bytes().all(is_target_byte) && is_percent_encoded(text)
}

/// Whether every `%` is followed by two hexadecimal digits.
pub(crate) fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().take(2);
        digits.len() == 2 && digits.all(|b| b.is_ascii_hexdigit())
    })
}

fn number(input: &[u8]) -> IResult<&[u8], u64> {
    map_opt(take_while1(|b: u8| b.is_ascii_digit()), decimal).parse(input)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

fn version(input: &[u8]) -> IResult<&[u8], (u8, u8)> {
    let digit = || map(one_of("0123456789"), |digit| digit as u8 - b'0');
    preceded(tag("HTTP/"), separated_pair(digit(), char('.'), digit())).parse(input)
}

fn target(input: &[u8]) -> IResult<&[u8], &str> {
    map_opt(take_while1(is_target_byte), |target| {
        core::str::from_utf8(target).ok()
    })
    .parse(input)
}

fn token(input: &[u8]) -> IResult<&[u8], &[u8]> {
    // A table: the rule itself is a chain of comparisons, and most bytes of a head are tokens.
    take_while1(|b| TOKEN[usize::from(b)]).parse(input)
}

fn spaces(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(|b: u8| matches!(b, b' ' | b'\t')).parse(input)
}

fn trim(value: &[u8]) -> &[u8] {
    // Bytes that `trim_ascii` takes beyond space and tab cannot be in a value.
    value.trim_ascii()
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_token_byte(byte as u8);
        byte += 1;
    }
    table
};

/// RFC 9110, 5.6.2.
const fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// RFC 9110, 5.5: visible ASCII, space, tab, and bytes of other character sets.
const fn is_field_byte(b: u8) -> bool {
    matches!(b, b'\t' | 0x20..=0x7e | 0x80..=0xff)
}

/// What may stand in a target: RFC 3986's characters, and `[ \ ] ^ ` { | }` which it forbids but
/// browsers send unencoded in a query. No `#` (a fragment stays with the client), no quotes or
/// angle brackets, nothing outside visible ASCII.
const fn is_target_byte(b: u8) -> bool {
    matches!(b, 0x21..=0x7e) && !matches!(b, b'"' | b'#' | b'<' | b'>')
}

const fn is_unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~')
}

const fn is_sub_delimiter(b: u8) -> bool {
    matches!(
        b,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
    )
}
