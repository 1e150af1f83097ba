//! How text looks on a terminal: `SGR` of ECMA-48, as far as a page shows it.

/// The look of a character. Colours are the sixteen of a terminal: its theme says what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Of the text: 0 to 7, and 8 to 15 for the bright ones.
    pub colour: Option<u8>,
    /// Heavier.
    pub bold: bool,
    /// Paler.
    pub faint: bool,
    /// Slanted.
    pub italic: bool,
    /// With a line below.
    pub underlined: bool,
}

/// Text of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it looks.
    pub style: Style,
    /// The text.
    pub text: String,
}

impl Style {
    /// What the parameters of an `SGR` make of it. Colours of larger palettes are the nearest of the sixteen; of
    /// backgrounds nothing is shown, since a page has its own.
    pub(super) fn select(&mut self, parameters: &str) {
        let mut all = parameters.split([';', ':']).map(|number| match number {
            "" => Some(0),
            number => number.parse::<u16>().ok(),
        });
        while let Some(number) = all.next() {
            match number {
                Some(0) => *self = Self::default(),
                Some(1) => self.bold = true,
                Some(2) => self.faint = true,
                Some(3) => self.italic = true,
                Some(4) => self.underlined = true,
                Some(22) => (self.bold, self.faint) = (false, false),
                Some(23) => self.italic = false,
                Some(24) => self.underlined = false,
                Some(colour @ 30..=37) => self.colour = u8::try_from(colour - 30).ok(),
                Some(colour @ 90..=97) => self.colour = u8::try_from(colour - 82).ok(),
                Some(39) => self.colour = None,
                Some(of @ (38 | 48)) => {
                    let colour = larger(&mut all);
                    if of == 38 {
                        self.colour = colour;
                    }
                }
                _ => {}
            }
        }
    }
}

/// A colour of 256, or of red, green and blue.
fn larger(rest: &mut impl Iterator<Item = Option<u16>>) -> Option<u8> {
    match rest.next()?? {
        5 => match rest.next()?? {
            one @ 0..=15 => u8::try_from(one).ok(),
            cube @ 16..=231 => {
                let cube = cube - 16;
                let level = |part: u16| part * 51;
                Some(nearest(level(cube / 36), level(cube / 6 % 6), level(cube % 6)))
            }
            grey @ 232..=255 => {
                let level = (grey - 232) * 10 + 8;
                Some(nearest(level, level, level))
            }
            _ => None,
        },
        2 => {
            let (red, green, blue) = (rest.next()??, rest.next()??, rest.next()??);
            Some(nearest(red, green, blue))
        }
        _ => None,
    }
}

/// The nearest of the sixteen by which parts are strong, and how strong the strongest is.
fn nearest(red: u16, green: u16, blue: u16) -> u8 {
    let most = red.max(green).max(blue);
    if most < 48 {
        return 0;
    }
    let strong = |part: u16| u8::from(part * 2 > most);
    let hue = strong(red) | strong(green) << 1 | strong(blue) << 2;
    match (hue, most) {
        // Greys are black, dark, light and white.
        (7, 0..=127) => 8,
        (7, 128..=215) => 7,
        (7, _) => 15,
        (hue, 0..=191) => hue,
        (hue, _) => hue + 8,
    }
}

/// The characters of a line, joined where they look the same.
pub(super) fn runs(cells: Vec<(char, Style)>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (c, style) in cells {
        match runs.last_mut().filter(|run| run.style == style) {
            Some(run) => run.text.push(c),
            None => runs.push(Run {
                style,
                text: c.to_string(),
            }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::coloured;
    use super::*;

    /// `text` with the looks of its parts as `colour` and letters: `r1b(text)`.
    fn shown(text: &str) -> String {
        let told = |run: &Run| {
            let Style {
                colour,
                bold,
                faint,
                italic,
                underlined,
            } = run.style;
            let marks = [(bold, "b"), (faint, "f"), (italic, "i"), (underlined, "u")];
            let marks: String = marks.iter().filter(|(has, _)| *has).map(|(_, mark)| *mark).collect();
            match colour {
                None if marks.is_empty() => run.text.clone(),
                None => format!("{marks}({})", run.text),
                Some(colour) => format!("{colour}{marks}({})", run.text),
            }
        };
        let lines = coloured(text);
        let lines: Vec<String> = lines.iter().map(|line| line.iter().map(told).collect()).collect();
        lines.join("\n")
    }

    #[test]
    fn colours_are_kept_and_nothing_else_is_obeyed() {
        let table = [
            ("\x1b[31mred\x1b[0m plain", "1(red) plain"),
            ("\x1b[1;91mbright\x1b[22m still", "9b(bright)9( still)"),
            ("\x1b[2;3;4mall\x1b[m", "fiu(all)"),
            ("\x1b[38;5;196mcube\x1b[39m no", "9(cube) no"),
            ("\x1b[38;2;0;128;0mtrue", "2(true)"),
            ("\x1b[38:5:244mgrey", "7(grey)"),
            // A background is none, and takes nothing of what follows it.
            ("\x1b[48;5;1;32mgreen", "2(green)"),
            // It goes on in the next line.
            ("\x1b[33mone\ntwo", "3(one)\n3(two)"),
            ("\x1b[31mold\rnew", "1(new)"),
            ("\x1b[99999999999mtext\x1b[;mtext", "texttext"),
            ("\x1b[38;5mtext", "text"),
            ("\x1b]8;;https://x.y\x07link\x1b]8;;\x07", "link"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
