//! Reads a request: bytes in, what is wanted out. Nothing else of a request matters.

use httparse::{EMPTY_HEADER, Error, Status};

/// Headers that a request may have.
const MAX_HEADERS: usize = 64;

/// The request of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) route: Route,
    pub(crate) has_body: bool,
    pub(crate) is_verbose: bool,
    pub(crate) wants_open_metrics: bool,
}

/// The answers that there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Route {
    Live,
    Ready,
    Startup,
    Metrics,
    Status,
    NotFound,
    /// The method is neither GET nor HEAD.
    MethodRefused,
    /// The request is not HTTP.
    Malformed,
    /// The head is longer than the buffer, or has too many lines.
    TooLong,
    /// The status report did not come in time.
    Late,
}

impl Wanted {
    /// An answer to what cannot be read.
    pub(crate) fn refusal(route: Route) -> Self {
        Self {
            route,
            has_body: true,
            is_verbose: false,
            wants_open_metrics: false,
        }
    }
}

/// Reads the head of a request. `None` while it is not complete.
pub(crate) fn parse(bytes: &[u8]) -> Option<Wanted> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Partial) => return None,
        Ok(Status::Complete(_)) => {}
        Err(Error::TooManyHeaders) => return Some(Wanted::refusal(Route::TooLong)),
        Err(_) => return Some(Wanted::refusal(Route::Malformed)),
    }
    let target = request.path.unwrap_or("");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = without_authority(path);
    let accept = request.headers.iter();
    let accept = accept.filter(|header| header.name.eq_ignore_ascii_case("accept"));
    let mut open_metrics = 0;
    let mut plain = 0;
    for header in accept {
        let value = std::str::from_utf8(header.value).unwrap_or("");
        open_metrics = open_metrics.max(weight(value, "application/openmetrics-text"));
        plain = plain.max(weight(value, "text/plain"));
    }
    let method = request.method.unwrap_or("");
    Some(Wanted {
        route: match method {
            "GET" | "HEAD" => route(path),
            _ => Route::MethodRefused,
        },
        has_body: method != "HEAD",
        is_verbose: query.split('&').any(is_verbose),
        wants_open_metrics: open_metrics > 0 && open_metrics >= plain,
    })
}

/// A proxy asks for the whole URL, which a server has to take (RFC 9112, 3.2.2).
fn without_authority(path: &str) -> &str {
    let Some((scheme, rest)) = path.split_once("://") else {
        return path;
    };
    let is_http = scheme.eq_ignore_ascii_case("http");
    let start = rest.find('/').filter(|_| is_http);
    start.and_then(|start| rest.get(start..)).unwrap_or("/")
}

fn route(path: &str) -> Route {
    match path {
        "/livez" => Route::Live,
        "/readyz" => Route::Ready,
        "/startupz" => Route::Startup,
        "/metrics" => Route::Metrics,
        "/status" => Route::Status,
        _ => Route::NotFound,
    }
}

/// Kubernetes takes `?verbose` with any value.
fn is_verbose(parameter: &str) -> bool {
    parameter.split('=').next() == Some("verbose")
}

/// Returns the weight of a media type in an `Accept` header, in thousandths; zero if it is
/// not there.
fn weight(accept: &str, media_type: &str) -> u32 {
    let weights = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?;
        if !name.eq_ignore_ascii_case(media_type) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        Some(quality.map_or(1000, thousandths))
    });
    weights.max().unwrap_or(0)
}

/// Reads `0.5` as 500.
fn thousandths(quality: &str) -> u32 {
    let (whole, part) = quality.split_once('.').unwrap_or((quality, ""));
    let mut value = whole.parse::<u32>().unwrap_or(0).min(1) * 1000;
    for (digit, worth) in part.bytes().zip([100, 10, 1]) {
        value += u32::from(digit.wrapping_sub(b'0').min(9)) * worth;
    }
    value.min(1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_url_has_the_route_of_its_path() {
        for (target, expected) in [
            ("http://localhost:8086/livez", Route::Live),
            ("HTTP://x/metrics?a=b", Route::Metrics),
            ("http://x", Route::NotFound),
            ("ftp://x/livez", Route::NotFound),
        ] {
            assert_eq!(get(target, "").expect("it is complete").route, expected);
        }
    }

    fn get(target: &str, headers: &str) -> Option<Wanted> {
        parse(format!("GET {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes())
    }

    #[test]
    fn each_path_has_its_route_with_and_without_a_query() {
        for (path, expected) in [
            ("/livez", Route::Live),
            ("/readyz", Route::Ready),
            ("/startupz", Route::Startup),
            ("/metrics", Route::Metrics),
            ("/status", Route::Status),
            ("/", Route::NotFound),
            ("/livez/", Route::NotFound),
        ] {
            for query in ["", "?", "?a=b", "?verbose"] {
                let wanted = get(&format!("{path}{query}"), "").expect("it is complete");
                assert_eq!(wanted.route, expected, "{path}{query}");
                assert_eq!(wanted.is_verbose, query == "?verbose");
            }
        }
    }

    #[test]
    fn verbose_may_have_a_value_and_other_parameters() {
        for query in ["verbose", "verbose=true", "a=b&verbose", "verbose&a"] {
            let wanted = get(&format!("/livez?{query}"), "").expect("it is complete");
            assert!(wanted.is_verbose, "{query}");
        }
        let wanted = get("/livez?verbosely", "").expect("it is complete");
        assert!(!wanted.is_verbose);
    }

    #[test]
    fn head_has_no_body_and_other_methods_are_refused() {
        let head = parse(b"HEAD /livez HTTP/1.0\r\n\r\n").expect("it is complete");
        assert_eq!((head.route, head.has_body), (Route::Live, false));
        let post = parse(b"POST /livez HTTP/1.1\r\nContent-Length: 1\r\n\r\n");
        assert_eq!(post.expect("it is complete").route, Route::MethodRefused);
    }

    #[test]
    fn open_metrics_is_chosen_by_its_weight() {
        // As Prometheus 2 and 3 send them.
        let two = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                   version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let three = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                     text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        for (accept, expected) in [
            (two, true),
            (three, true),
            ("application/openmetrics-text;q=0", false),
            ("application/openmetrics-text;q=0.5, text/plain", false),
            ("text/plain, application/openmetrics-text", true),
            ("text/plain", false),
            ("*/*", false),
        ] {
            let wanted = get("/metrics", &format!("Accept: {accept}\r\n"));
            let wanted = wanted.expect("it is complete");
            assert_eq!(wanted.wants_open_metrics, expected, "{accept}");
        }
    }

    #[test]
    fn half_a_request_is_waited_for_and_garbage_is_not() {
        let whole = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
        for len in 0..whole.len() {
            assert_eq!(parse(&whole[..len]), None, "{len} bytes");
        }
        for garbage in [
            &b"\x16\x03\x01\x02"[..],
            b"GET\r\n\r\n",
            b"GET / SPDY\r\n\r\n",
        ] {
            let wanted = parse(garbage).expect("it is refused");
            assert_eq!(wanted.route, Route::Malformed, "{garbage:?}");
        }
    }

    #[test]
    fn flood_of_headers_is_refused() {
        let wanted = get("/livez", &"a: b\r\n".repeat(MAX_HEADERS));
        assert_eq!(wanted.expect("it is refused").route, Route::TooLong);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, accept in ".*") {
            let _ = parse(&bytes);
            let _ = weight(&accept, "text/plain");
            let _ = get("/metrics", &format!("Accept: {accept}\r\n"));
        }
    }
}
