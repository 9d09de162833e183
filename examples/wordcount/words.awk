# Count the words of one chapter, in lower case: "COUNT WORD" per line.
#
# usage: awk -f words.awk -v chapter=II book.txt

/^ [IVXL]+\.$/ {
    inside = $1 == chapter "."
    next
}

inside {
    gsub(/’/, "'")
    line = tolower($0)
    gsub(/[^a-z']+/, " ", line)
    words = split(line, word, " ")
    for (i = 1; i <= words; i++) {
        gsub(/^'+|'+$/, "", word[i])
        if (word[i] != "")
            count[word[i]]++
    }
}

END {
    for (w in count)
        print count[w], w
}
