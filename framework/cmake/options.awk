# Names the option that does not exist. Compilers report a misspelt designator, Dense(&model, "x", {.unit = 3}), as a list
# that cannot be converted, and never name it. This reads what a compiler printed, then the sources and headers that it
# is about:
#
#   awk -v headers="$(grep -rl 'Options {' framework/floe)" -f options.awk < errors
#   apps/penguins/networks.h:12: DenseOptions has no .unit; it has .in, .units, .use_bias, .initializer

# The fields of each struct called ...Options, in order.
function read_options(file, line, type, field, before) {
  for (; (getline line < file) > 0; before = line) {
    if (before !~ /^template/ && match(line, /struct [A-Za-z0-9]*Options [{]/)) {
      type = substr(line, RSTART + 7, RLENGTH - 9)
    } else if (line ~ /^ *};/) {
      type = ""
    } else if (type != "" && line !~ /^ *\/\// && line ~ /;/) {
      sub(/ *(=.*)?;.*/, "", line)
      field = line
      sub(/.*[ &*]/, "", field)
      has[type, field] = 1
      fields[type] = fields[type] (fields[type] == "" ? "" : ", ") "." field
    }
  }
  close(file)
}

# The words of a text that are such a struct, or name one without its last part.
function note_types(text, types, word, count, words, i) {
  count = split(text, words, /[^A-Za-z0-9_]+/)
  for (i = 1; i <= count; ++i) {
    word = words[i]
    if (word in fields) types[word] = 1
    else if (word "Options" in fields) types[word "Options"] = 1
  }
}

# The statement that goes over a line of a source: from behind the last one that ended before it.
function statement(file, number, line, text, at) {
  while ((getline line < file) > 0) {
    ++at
    sub(/\/\/.*/, "", line)
    text = text " " line
    if (line !~ /[;{}] *$/) continue
    if (at >= number && line ~ /; *$/) break
    if (at < number) text = ""
  }
  close(file)
  return text
}

# What one error is about, once all of it was read.
function explain(types, type, text, option, known, names) {
  if (place == "" || message !~ /convert|no matching|designator|data member/) return
  text = statement(file, number)
  delete types
  note_types(message " " text, types)
  while (match(text, /[{,] *[.][A-Za-z_][A-Za-z0-9_]* *[={]/)) {
    option = substr(text, RSTART, RLENGTH)
    text = substr(text, RSTART + RLENGTH)
    gsub(/[^A-Za-z0-9_]/, "", option)
    known = names = ""
    for (type in types) {
      if ((type, option) in has) known = type
      names = names (names == "" ? "" : "; ") type " has no ." option "; it has " fields[type]
    }
    if (known == "" && names != "" && !((place, option) in told)) {
      told[place, option] = 1
      print place ": " names
    }
  }
}

BEGIN {
  count = split(headers, list)
  for (i = 1; i <= count; ++i) read_options(list[i])
}
/^[^ ]*:[0-9]+:[0-9]+: (fatal )?error: / {
  explain()
  split($1, at, ":")
  file = at[1]
  number = at[2]
  place = file ":" number
  message = ""
}
{ message = message " " $0 }
END { explain() }
