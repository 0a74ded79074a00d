//! Pages for people: one for all that can go wrong, which an operator can have look like his site.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use nuncio_expr::template::escape;

/// No page runs anything, or loads anything but the logo that is in it.
pub(crate) const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

/// The largest logo in bytes: it is in every page.
const LARGEST_LOGO: usize = 32 << 10;
/// The least contrast of text that all can read (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

/// How pages look, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct Theme {
    /// After the title.
    suffix: String,
    header: String,
    style: String,
}

/// What an operator says of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look<'a> {
    /// The name of the site.
    pub name: Option<&'a str>,
    /// A picture: PNG, JPEG, WebP or SVG.
    pub logo: Option<&'a [u8]>,
    /// Colours of the page and of what is written there, `#rrggbb`.
    pub colors: Option<(&'a str, &'a str)>,
    /// The colour of the line above the page.
    pub accent: Option<&'a str>,
}

/// Why pages cannot look like that.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidTheme {
    /// It is no colour.
    #[error("{0:?} is no colour such as #1a5fb4")]
    Color(String),
    /// Some could not read it.
    #[error("{text} on {background} has a contrast of {contrast:.1}: all can read from {LEAST_CONTRAST} on")]
    Contrast {
        /// The colour of text.
        text: String,
        /// That of the page.
        background: String,
        /// From 1 to 21.
        contrast: f64,
    },
    /// It is no picture that browsers show.
    #[error("the logo is no PNG, JPEG, WebP or SVG")]
    Logo,
    /// It would make every page too large.
    #[error("the logo has {0} bytes: {LARGEST_LOGO} are allowed")]
    LargeLogo(usize),
}

impl Theme {
    /// The theme of a look.
    ///
    /// # Errors
    /// When browsers could not show it, or some people not read it.
    pub fn new(look: &Look<'_>) -> Result<Self, InvalidTheme> {
        let mut theme = Self::default();
        let name = look.name.map(escape).unwrap_or_default();
        if !name.is_empty() {
            theme.suffix = format!(" · {name}");
        }
        // A logo says the name: readers of the page aloud are told it once.
        theme.header = match look.logo {
            Some(logo) => format!("<header><img alt=\"{name}\" src=\"{}\"></header>\n", data_uri(logo)?),
            None if name.is_empty() => String::new(),
            None => format!("<header>{name}</header>\n"),
        };
        if let Some((background, text)) = look.colors {
            check_contrast(background, text)?;
            _ = writeln!(theme.style, ":root {{ color-scheme: only light; background: {background}; color: {text} }}");
        }
        if let Some(accent) = look.accent {
            color(accent)?;
            _ = writeln!(theme.style, "body {{ margin: 0; border-top: .375rem solid {accent} }}");
        }
        Ok(theme)
    }

    /// The page that says what went wrong.
    pub(crate) fn page(&self, status: StatusCode, message: &str, request_id: &str) -> String {
        let title = status.canonical_reason().unwrap_or("Error");
        let (message, request_id) = (escape(message), escape(request_id));
        let Self { suffix, header, style } = self;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}{suffix}</title>\n\
             <style>\n:root {{ color-scheme: light dark; font: 1rem/1.55 system-ui, sans-serif }}\n\
             body {{ margin: 0; padding: 1rem }}\n\
             main {{ max-width: 32rem; margin: 14vh auto; padding: 1.75rem 2rem; border: 1px solid #8886; border-radius: 12px; \
             box-shadow: 0 1px 3px #0001; overflow-wrap: anywhere }}\n\
             h1 {{ font-size: 1.4rem; line-height: 1.25; letter-spacing: -.015em; margin: 0 0 .6rem }}\np {{ margin: 0 }}\n\
             header {{ font-weight: bold; margin-bottom: 1.25rem }}\nheader img {{ display: block; max-height: 4rem; max-width: 100% }}\n\
             footer {{ margin-top: 1.5rem; padding-top: .9rem; border-top: 1px solid #8884; font-size: .85rem }}\n{style}</style>\n</head>\n<body>\n<main>\n\
             {header}<h1>{title}</h1>\n<p>{message}</p>\n\
             <footer>Status {code}, request <code>{request_id}</code></footer>\n</main>\n</body>\n</html>\n",
            code = status.as_u16(),
        )
    }
}

/// The picture itself as an address.
fn data_uri(logo: &[u8]) -> Result<String, InvalidTheme> {
    if logo.len() > LARGEST_LOGO {
        return Err(InvalidTheme::LargeLogo(logo.len()));
    }
    let is_svg = || std::str::from_utf8(logo).is_ok_and(|text| text.contains("<svg"));
    let kind = match logo {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpeg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
        _ if is_svg() => "svg+xml",
        _ => return Err(InvalidTheme::Logo),
    };
    Ok(format!("data:image/{kind};base64,{}", STANDARD.encode(logo)))
}

fn check_contrast(background: &str, text: &str) -> Result<(), InvalidTheme> {
    let (one, other) = (luminance(color(background)?), luminance(color(text)?));
    let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
    if contrast < LEAST_CONTRAST {
        let (text, background) = (text.to_owned(), background.to_owned());
        return Err(InvalidTheme::Contrast { text, background, contrast });
    }
    Ok(())
}

/// Red, green and blue of `#rrggbb`.
fn color(text: &str) -> Result<[u8; 3], InvalidTheme> {
    let digits =
        text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|d| d.is_ascii_hexdigit()));
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let [_, rgb @ ..] = number.ok_or_else(|| InvalidTheme::Color(text.to_owned()))?.to_be_bytes();
    Ok(rgb)
}

/// How bright a colour is (WCAG 2.2, relative luminance).
fn luminance(rgb: [u8; 3]) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = rgb.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(look: &Look<'_>) -> String {
        Theme::new(look).unwrap().page(StatusCode::FORBIDDEN, "<script>", "\"id\"")
    }

    #[test]
    fn pages_escape_what_they_show() {
        let page = page(&Look { name: Some("A <b> & Co"), ..Look::default() });
        for shown in ["<p>&lt;script&gt;</p>", "<code>&#34;id&#34;</code>", "<header>A &lt;b&gt; &amp; Co</header>"] {
            assert!(page.contains(shown), "{shown}: {page}");
        }
        assert!(page.contains("<title>Forbidden · A &lt;b&gt; &amp; Co</title>"), "{page}");
    }

    #[test]
    fn a_logo_is_in_the_page_and_says_the_name() {
        let of = |logo: &'static [u8]| Theme::new(&Look { name: Some("Shop"), logo: Some(logo), ..Look::default() });
        let shown = of(b"<svg xmlns='x'/>").unwrap().header;
        assert_eq!(
            shown,
            "<header><img alt=\"Shop\" src=\"data:image/svg+xml;base64,PHN2ZyB4bWxucz0neCcvPg==\"></header>\n"
        );
        assert!(of(b"\x89PNG\r\n").unwrap().header.contains("data:image/png;base64,"));
        assert_eq!(of(b"<html>").unwrap_err(), InvalidTheme::Logo);
        assert_eq!(of(&[b' '; LARGEST_LOGO + 1]).unwrap_err(), InvalidTheme::LargeLogo(LARGEST_LOGO + 1));
    }

    #[test]
    fn colours_are_such_that_all_can_read() {
        let of = |background, text| Theme::new(&Look { colors: Some((background, text)), ..Look::default() });
        assert!(of("#102030", "#ffffff").unwrap().style.contains("background: #102030; color: #ffffff"));
        // The example of WCAG's own: the darkest grey on white that is too light is #777777.
        assert!(matches!(of("#ffffff", "#777777"), Err(InvalidTheme::Contrast { contrast, .. }) if contrast > 4.4));
        of("#ffffff", "#767676").unwrap();
        for wrong in ["red", "#fff", "#12345g", "#+12345", "#000000;} *{display:none"] {
            assert_eq!(of(wrong, "#000000").unwrap_err(), InvalidTheme::Color(wrong.to_owned()));
        }
        assert!(Theme::new(&Look { accent: Some("blue"), ..Look::default() }).is_err());
    }
}
