// The shapes of the letters, and how they are read.
#include <floe/pictures/stroke_font.h>

#include <algorithm>
#include <utility>

#include <floe/tensor/parse.h>

namespace floe {
namespace {

// A glyph is its character, its width, and what the pen does, in hundredths of the size: M x y begins a stroke there,
// L x y goes straight, E x y is the quarter of an ellipse that leaves level (to the east or west) and N x y one that
// leaves upright (to the north or south), C is a cubic curve with two control points, O x y rx ry a whole ellipse, and
// @c x y percent another glyph, moved and resized. Letters stand on 0; small ones reach 50, capitals 70, and round ones
// 1 more.
constexpr std::string_view glyphs[] = {
    "  28",
    "! 24 M12 70 L12 22 O12 2 2 2",
    "\" 34 M11 70 L11 51 M23 70 L23 51",
    "# 60 M18 3 L25 67 M36 3 L43 67 M8 24 L51 24 M10 46 L53 46",
    "$ 56 M45 53 C42 60 36 63 28 63 C18 63 11 58 11 50 C11 41 19 38 28 35 C38 32 46 29 46 19 C46 11 38 6 28 6 "
    "C19 6 12 10 9 18 M28 76 L28 -7",
    "% 80 O20 52 12 19 O60 18 12 19 M61 70 L19 0",
    "& 68 M61 0 L21 47 C12 58 19 71 31 71 C43 71 48 58 37 49 L22 38 C13 32 8 26 8 18 C8 6 16 -1 27 -1 "
    "C42 -1 52 12 55 30",
    "' 22 M11 70 L11 51",
    "( 30 M23 79 C14 66 10 50 10 32 C10 14 14 -2 23 -15",
    ") 30 M7 79 C16 66 20 50 20 32 C20 14 16 -2 7 -15",
    "* 44 M22 70 L22 42 M10 63 L34 49 M10 49 L34 63",
    "+ 58 M29 53 L29 11 M8 32 L50 32",
    ", 24 O12 2 2 2 M14 2 C14 -4 12 -9 8 -12",
    "- 36 M8 28 L28 28",
    ". 24 O12 2 2 2",
    "/ 38 M6 -8 L32 76",
    "0 56 O28 35 19 36",
    "1 56 M14 57 L31 70 L31 0",
    "2 56 M10 54 C11 64 18 71 28 71 E46 53 C46 43 40 36 33 28 L9 0 L47 0",
    "3 56 M10 57 C13 66 19 71 28 71 E45 54 N27 38 L22 38 L27 38 E47 19 N27 -1 C17 -1 10 4 8 14",
    "4 56 M38 0 L38 70 L8 20 L50 20",
    "5 56 M44 70 L16 70 L12 38 C16 43 21 45 28 45 E47 22 N27 -1 C17 -1 11 4 9 13",
    "6 56 M43 61 C40 68 35 71 29 71 C16 71 9 58 9 22 O28 22 19 23",
    "7 56 M8 70 L47 70 L22 0",
    "8 56 O28 54 16 17 O28 18 19 19",
    "9 56 M13 9 C16 2 21 -1 27 -1 C40 -1 47 12 47 48 O28 48 19 23",
    ": 24 O12 2 2 2 O12 45 2 2",
    "; 24 @, 0 0 100 O12 45 2 2",
    "< 58 M49 53 L9 32 L49 11",
    "= 58 M8 44 L50 44 M8 20 L50 20",
    "> 58 M9 53 L49 32 L9 11",
    "? 48 M8 56 C9 65 15 71 24 71 E41 54 C41 39 24 39 24 21 O24 2 2 2",
    "@ 92 O45 27 15 17 M60 44 L60 20 C60 7 82 8 82 32 C82 54 66 69 46 69 E8 26 N46 -17 C55 -17 63 -15 69 -11",
    "A 64 M6 0 L32 70 L58 0 M15 24 L49 24",
    "B 62 M34 0 L11 0 L11 70 L32 70 E49 54 N32 38 L11 38 M11 38 L34 38 E54 19 N34 0",
    "C 66 M58 56 C53 65 45 71 35 71 E8 35 N35 -1 C45 -1 53 5 58 14",
    "D 69 M11 0 L11 70 L31 70 E61 35 N31 0 L11 0",
    "E 58 M51 70 L11 70 L11 0 L52 0 M11 37 L46 37",
    "F 54 M50 70 L11 70 L11 0 M11 36 L45 36",
    "G 71 M58 57 C53 66 45 71 35 71 E8 35 N35 -1 C46 -1 55 4 61 12 L61 33 L39 33",
    "H 69 M11 0 L11 70 M58 0 L58 70 M11 37 L58 37",
    "I 24 M12 0 L12 70",
    "J 48 M37 70 L37 20 N21 -1 C13 -1 7 4 5 13",
    "K 63 M11 0 L11 70 M57 70 L11 26 M27 41 L59 0",
    "L 53 M11 70 L11 0 L49 0",
    "M 78 M11 0 L11 70 L39 10 L67 70 L67 0",
    "N 70 M11 0 L11 70 L59 0 L59 70",
    "O 74 O37 35 30 36",
    "P 59 M11 0 L11 70 L33 70 E53 51 N33 32 L11 32",
    "Q 74 O37 35 30 36 M46 17 L64 -4",
    "R 63 M11 0 L11 70 L33 70 E53 52 N33 34 L11 34 M34 34 L57 0",
    "S 60 M51 57 C48 66 40 71 30 71 C18 71 10 64 10 54 C10 43 20 39 31 36 C42 33 52 29 52 18 C52 7 43 -1 30 -1 "
    "C19 -1 11 4 8 14",
    "T 58 M4 70 L54 70 M29 70 L29 0",
    "U 68 M10 70 L10 25 N34 -1 E58 25 L58 70",
    "V 62 M5 70 L31 0 L57 70",
    "W 88 M5 70 L24 0 L44 70 L64 0 L83 70",
    "X 60 M6 0 L54 70 M6 70 L54 0",
    "Y 60 M5 70 L30 33 L55 70 M30 33 L30 0",
    "Z 60 M7 70 L53 70 L7 0 L54 0",
    "[ 30 M23 78 L11 78 L11 -14 L23 -14",
    "\\ 38 M6 76 L32 -8",
    "] 30 M7 78 L19 78 L19 -14 L7 -14",
    "^ 50 M9 42 L25 70 L41 42",
    "_ 50 M2 -12 L48 -12",
    "` 26 M8 74 L18 62",
    "a 51 M8 40 C11 47 17 51 25 51 E41 32 L41 0 M41 29 L24 29 E7 14 N21 -1 C32 -1 41 7 41 18",
    "b 54 M10 75 L10 0 M10 36 C13 45 20 51 28 51 E47 25 N28 -1 C20 -1 13 5 10 14",
    "c 48 M43 39 C40 46 34 51 27 51 E7 25 N27 -1 C34 -1 40 4 43 11",
    "d 54 M44 75 L44 0 M44 36 C41 45 34 51 26 51 E7 25 N26 -1 C34 -1 41 5 44 14",
    "e 53 M7 27 L46 27 C46 42 38 51 27 51 E7 25 N28 -1 C35 -1 41 3 45 10",
    "f 33 M34 75 L30 75 E16 60 L16 0 M5 50 L31 50",
    "g 54 M44 50 L44 3 N26 -20 C18 -20 12 -17 9 -11 M44 36 C41 45 34 51 26 51 E7 25 N26 -1 C34 -1 41 5 44 14",
    "h 52 M10 75 L10 0 M10 33 C12 44 19 51 27 51 E42 33 L42 0",
    "i 20 M10 0 L10 50 O10 68 2 2",
    "j 21 M11 50 L11 -9 N1 -20 L-3 -20 O11 68 2 2",
    "k 48 M10 75 L10 0 M41 50 L10 19 M22 31 L44 0",
    "l 25 M10 75 L10 11 N20 0 L23 0",
    "m 80 M10 50 L10 0 M10 33 C12 44 18 51 26 51 E40 34 L40 0 M40 33 C42 44 48 51 56 51 E70 34 L70 0",
    "n 52 M10 50 L10 0 M10 33 C12 44 19 51 27 51 E42 33 L42 0",
    "o 54 O27 25 20 26",
    "p 54 M10 50 L10 -20 M10 36 C13 45 20 51 28 51 E47 25 N28 -1 C20 -1 13 5 10 14",
    "q 54 M44 50 L44 -20 M44 36 C41 45 34 51 26 51 E7 25 N26 -1 C34 -1 41 5 44 14",
    "r 36 M10 50 L10 0 M10 30 C12 43 18 50 29 50",
    "s 45 M38 41 C35 48 30 51 23 51 C14 51 8 46 8 38 C8 30 15 28 23 26 C31 24 39 21 39 13 C39 5 32 -1 23 -1 "
    "C14 -1 9 3 6 10",
    "t 34 M15 64 L15 14 N28 0 L31 0 M4 50 L30 50",
    "u 52 M10 50 L10 17 N25 -1 C33 -1 40 6 42 17 M42 50 L42 0",
    "v 46 M5 50 L23 0 L41 50",
    "w 68 M5 50 L19 0 L34 50 L49 0 L63 50",
    "x 46 M6 0 L40 50 M6 50 L40 0",
    "y 46 M5 50 L23 0 M41 50 L19 -11 C16 -18 12 -20 5 -20",
    "z 45 M7 50 L38 50 L7 0 L39 0",
    "{ 34 M27 78 L25 78 E16 68 L16 42 N7 32 E16 22 L16 -4 N25 -14 L27 -14",
    "| 22 M11 80 L11 -16",
    "} 34 M7 78 L9 78 E18 68 L18 42 N27 32 E18 22 L18 -4 N9 -14 L7 -14",
    "~ 58 M8 27 C10 34 14 38 19 38 C27 38 31 26 39 26 C44 26 48 30 50 37",
    "\u00a0 28",
    "¡ 24 M12 -20 L12 28 O12 48 2 2",
    "¢ 48 @c 0 0 100 M27 63 L27 -13",
    "£ 56 M46 57 C44 66 39 71 32 71 E18 55 L18 14 C18 8 15 3 10 0 L48 0 M9 36 L38 36",
    "¤ 56 O28 35 14 14 M8 55 L18 45 M38 45 L48 55 M8 15 L18 25 M38 25 L48 15",
    "¥ 58 M6 70 L29 36 L52 70 M29 36 L29 0 M11 34 L47 34 M11 16 L47 16",
    "¦ 22 M11 80 L11 45 M11 19 L11 -16",
    "§ 50 M40 60 C38 67 33 71 25 71 C16 71 11 66 11 60 C11 48 42 46 42 31 C42 25 38 21 31 18 "
    "M10 5 C12 -2 17 -6 25 -6 C34 -6 39 -1 39 5 C39 17 8 19 8 34 C8 40 12 44 19 47",
    "© 80 O40 35 33 36 M52 46 C49 51 45 53 40 53 E24 35 N40 17 C45 17 49 19 52 24",
    "ª 34 O14 58 8 10 M24 69 L24 47 M6 34 L26 34",
    "« 50 M24 42 L10 25 L24 8 M42 42 L28 25 L42 8",
    "¬ 58 M8 38 L50 38 L50 18",
    "\u00ad 36 @- 0 0 100",
    "® 80 O40 35 33 36 @R 23 18 50",
    "° 40 O20 57 12 13",
    "± 58 M29 61 L29 25 M8 43 L50 43 M8 5 L50 5",
    "² 38 @2 1 26 64",
    "³ 38 @3 1 26 64",
    "µ 52 M10 50 L10 -20 M10 17 N25 -1 C33 -1 40 6 42 17 M42 50 L42 0",
    "¶ 60 M51 70 L28 70 E9 53 N28 36 L34 36 M34 70 L34 -10 M48 70 L48 -10",
    "· 24 O12 28 2 2",
    "¹ 38 @1 1 26 64",
    "º 34 O16 58 10 11 M6 34 L26 34",
    "» 50 M8 42 L22 25 L8 8 M26 42 L40 25 L26 8",
    "¼ 86 @1 -3 28 60 M64 70 L24 0 @4 50 0 60",
    "½ 86 @1 -3 28 60 M64 70 L24 0 @2 50 0 60",
    "¾ 86 @3 -1 28 60 M64 70 L24 0 @4 50 0 60",
    "¿ 48 M40 -6 C39 -15 33 -21 24 -21 E7 -4 C7 11 24 11 24 29 O24 48 2 2",
    "Æ 89 M82 70 L40 70 L6 0 M46 70 L46 0 L83 0 M46 37 L77 37 M17 24 L46 24",
    "Ð 72 @D 3 0 100 M4 36 L36 36",
    "× 58 M13 48 L45 16 M13 16 L45 48",
    "Ø 74 @O 0 0 100 M62 74 L12 -4",
    "Þ 60 M11 0 L11 70 M11 56 L33 56 E53 37 N33 18 L11 18",
    "ß 56 M10 0 L10 55 N27 75 E44 58 N30 42 L26 42 L30 42 E49 21 N31 -1 L23 -1",
    "æ 83 M8 40 C11 47 17 51 24 51 E41 32 L41 25 M41 29 L24 29 E7 14 N21 -1 C32 -1 41 8 41 20 "
    "M41 27 L76 27 C76 42 68 51 59 51 E41 25 N59 -1 C66 -1 72 3 75 10",
    "ð 54 O26 23 19 24 M45 23 C45 48 34 66 17 75 M14 58 L38 70",
    "÷ 58 M8 32 L50 32 O29 51 2 2 O29 13 2 2",
    "ø 54 @o 0 0 100 M45 54 L9 -4",
    "þ 54 @p 0 0 100 M10 50 L10 75",
    "ı 20 M10 0 L10 50",
    "Œ 96 M89 70 L37 70 E7 35 N37 0 L90 0 M53 70 L53 0 M53 37 L84 37",
    "œ 88 O27 25 20 26 M47 27 L81 27 C81 42 74 51 64 51 E47 25 N64 -1 C71 -1 77 3 80 10",
    "Δ 64 M32 70 L5 0 L59 0 L32 70",
    "Σ 58 M50 70 L9 70 L32 36 L9 0 L51 0",
    "α 56 M46 50 C40 22 35 -1 24 -1 E7 25 N24 51 C35 51 40 28 48 0",
    "β 54 M10 -20 L10 57 N26 75 E41 59 N28 43 L22 43 L28 43 E46 21 N28 -1 C19 -1 12 5 10 14",
    "γ 48 M5 50 L24 2 L43 50 M24 2 L24 -20",
    "ε 46 M39 42 C36 48 31 51 24 51 E10 39 N22 27 L28 27 L22 27 E7 13 N23 -1 C31 -1 37 3 40 10",
    "θ 52 O26 36 18 37 M8 36 L44 36",
    "λ 50 M8 74 C13 74 15 71 17 66 L43 0 M27 41 L7 0",
    "μ 52 @µ 0 0 100",
    "π 58 M6 50 L52 50 M17 50 L17 0 M40 50 L40 14 N50 0 L53 0",
    "σ 56 M50 50 L26 50 E7 25 N26 -1 E45 25 C45 36 40 45 33 50",
    "– 56 M6 28 L50 28",
    "— 96 M6 28 L90 28",
    "‘ 24 O12 56 2 2 M10 56 C10 62 12 67 16 70",
    "’ 24 @, 0 66 100",
    "‚ 24 @, 0 0 100",
    "“ 40 @‘ 0 0 100 @‘ 16 0 100",
    "” 40 @’ 0 0 100 @’ 16 0 100",
    "„ 40 @, 0 0 100 @, 16 0 100",
    "• 36 O18 32 2 2 O18 32 6 6",
    "… 72 O12 2 2 2 O36 2 2 2 O60 2 2 2",
    "€ 58 M50 59 C46 67 40 71 33 71 E14 35 N33 -1 C40 -1 46 3 50 11 M5 44 L41 44 M5 26 L39 26",
    "→ 68 M7 32 L61 32 M45 47 L61 32 L45 17",
    "− 58 M8 32 L50 32",
    "≈ 58 @~ 0 10 100 @~ 0 -10 100",
    "≤ 58 M49 60 L9 41 L49 22 M9 5 L49 5",
    "≥ 58 M9 60 L49 41 L9 22 M9 5 L49 5",
};
constexpr std::string_view box = " 50 M9 0 L41 0 L41 70 L9 70 L9 0";

// À to ß, each as a letter and its mark, or dots for a glyph of its own; à to ÿ are the same with small letters.
constexpr std::string_view composed = "A`A'A^A~A:Ao..C,E`E'E^E:I`I'I^I:..N~O`O'O^O~O:....U`U'U^U:Y'....";

// Marks stand in the middle above a small letter, and 20 higher above a capital; the cedilla hangs below both.
constexpr std::string_view marks[] = {
    "` M-8 73 L2 61",         "' M8 73 L-2 61",
    "^ M-10 61 L0 72 L10 61", "~ M-13 62 C-11 73 -4 69 0 67 C4 65 11 61 13 72",
    ": O-9 67 2 2 O9 67 2 2", "o O0 68 8 8",
    "- M-11 66 L11 66",       ", M2 -1 L0 -9 C11 -9 11 -21 0 -21 L-7 -20",
};

// The length in bytes of the character at the front; 0 if that is not UTF-8.
std::size_t character_bytes(std::string_view text) {
  auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  std::size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (std::size_t i = 1; i < bytes; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  // Longer than necessary, a half of a surrogate pair, or beyond Unicode.
  if ((first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90)) return 0;
  if ((first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f)) return 0;
  return bytes;
}

// Takes the character at the front away from the text; a byte that is not UTF-8 is an empty one.
std::string_view next_character(std::string_view& text) {
  std::size_t bytes = character_bytes(text);
  std::string_view character = text.substr(0, bytes);
  text.remove_prefix(bytes ? bytes : 1);
  return character;
}

// Draws glyphs from their strings.
class Pen {
 public:
  explicit Pen(std::vector<Strand>& strands) : strands_(strands) {}

  // A character at (x, y) in font units; returns its width in hundredths of the size, times `percent`.
  std::int64_t character(std::string_view character, GridPoint at, std::int64_t percent = 100) {
    GridPoint before = std::exchange(at_, at);
    std::int64_t percent_before = std::exchange(percent_, percent), width = draw_character(character);
    at_ = before, percent_ = percent_before;
    return width;
  }

 private:
  std::int64_t draw_character(std::string_view character) {
    auto [letter, mark] = parts_of(character);
    if (mark == '.') return draw_glyph(character);
    bool capital = letter >= 'A' && letter <= 'Z';
    bool dotless = letter == 'i';
    std::int64_t width = draw_glyph(dotless ? "ı" : std::string_view(&letter, 1));
    at_.x += width * percent_ / 2;
    if (capital && mark != ',') at_.y += 20 * percent_;
    for (std::string_view entry : marks) {
      if (entry[0] == mark) draw(entry.substr(1));
    }
    return width;
  }

  // The letter and the mark that a character is composed of; dots for one that has a glyph of its own.
  static std::pair<char, char> parts_of(std::string_view character) {
    constexpr std::pair<std::string_view, char> alone[] = {{"¨", ':'}, {"¯", '-'}, {"´", '\''}, {"¸", ','}};
    for (auto [sign, mark] : alone) {
      if (character == sign) return {' ', mark};
    }
    if (character == "ÿ") return {'y', ':'};
    if (character.size() != 2 || character[0] != '\xc3') return {'.', '.'};
    std::size_t index = static_cast<unsigned char>(character[1]) & 0x3f;
    char letter = composed[index % 32 * 2], mark = composed[index % 32 * 2 + 1];
    if (index >= 32 && letter != '.') letter = static_cast<char>(letter - 'A' + 'a');
    return {letter, mark};
  }

  std::int64_t draw_glyph(std::string_view character) {
    std::string_view glyph = box;
    for (std::string_view entry : glyphs) {
      if (!character.empty() && entry.starts_with(character) && entry.substr(character.size()).starts_with(' ')) {
        glyph = entry.substr(character.size());
      }
    }
    std::int64_t width = number(glyph);
    draw(glyph);
    return width;
  }

  void draw(std::string_view path) {
    while (!path.empty()) {
      char command = path[0];
      path.remove_prefix(1);
      if (command == ' ') continue;
      if (command == '@') {
        std::string_view other = next_character(path);
        GridPoint to = point(path);
        character(other, to, number(path) * percent_ / 100);
      } else if (command == 'O') {
        ellipse(path);
      } else if (command == 'M') {
        strands_.push_back({point(path)});
      } else {
        curve(command, path);
      }
    }
  }

  void curve(char command, std::string_view& path) {
    Strand& strand = strands_.back();
    GridPoint from = strand.back(), first = command == 'C' ? point(path) : from;
    GridPoint second = command == 'C' ? point(path) : GridPoint{}, to = point(path);
    if (command == 'L') second = to;
    if (command == 'E')
      quarter(strand, {to.x, from.y}, to);
    else if (command == 'N')
      quarter(strand, {from.x, to.y}, to);
    else
      strand.insert(strand.end(), {first, second, to});
  }

  // A quarter of an ellipse inside a corner.
  static void quarter(Strand& strand, GridPoint corner, GridPoint to) {
    constexpr std::int64_t towards = 5700;  // of 10,000; 5523 would be a circle, and this is a little fuller
    auto between = [&](GridPoint a) {
      return GridPoint{a.x + (corner.x - a.x) * towards / 10000, a.y + (corner.y - a.y) * towards / 10000};
    };
    strand.insert(strand.end(), {between(strand.back()), between(to), to});
  }

  void ellipse(std::string_view& path) {
    GridPoint centre = point(path);
    std::int64_t rx = number(path) * percent_, ry = number(path) * percent_;
    GridPoint right{centre.x + rx, centre.y}, top{centre.x, centre.y + ry};
    GridPoint left{centre.x - rx, centre.y}, bottom{centre.x, centre.y - ry};
    Strand& strand = strands_.emplace_back(Strand{right});
    quarter(strand, {right.x, top.y}, top);
    quarter(strand, {left.x, top.y}, left);
    quarter(strand, {left.x, bottom.y}, bottom);
    quarter(strand, {right.x, bottom.y}, right);
  }

  GridPoint point(std::string_view& path) {
    std::int64_t x = number(path), y = number(path);
    return {at_.x + x * percent_, at_.y + y * percent_};
  }

  static std::int64_t number(std::string_view& path) {
    while (path.starts_with(' ')) path.remove_prefix(1);
    std::size_t end = std::min(path.find_first_not_of("0123456789", path.starts_with('-')), path.size());
    std::int64_t value = parse_number<std::int64_t>(path.substr(0, end)).value_or(0);
    path.remove_prefix(end);
    return value;
  }

  std::vector<Strand>& strands_;
  GridPoint at_;
  std::int64_t percent_ = 100;
};

}  // namespace

TextStrokes text_strokes(std::string_view text) {
  TextStrokes result;
  Pen pen(result.strands);
  while (!text.empty()) result.width += pen.character(next_character(text), {result.width, 0}) * (font_units / 100);
  return result;
}

std::string readable_text(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    std::string_view character = next_character(text);
    bool control = character.size() == 1 && static_cast<unsigned char>(character[0]) < 0x20;
    bool forbidden = character == "\uffff" || character == "\ufffe";
    result += character.empty() || control || forbidden ? "\ufffd" : character;
  }
  return result;
}

}  // namespace floe
