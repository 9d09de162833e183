# Write, as CSV, the most frequent words of all chapters together.
#
# usage: awk -f top.awk -v shortest=LETTERS -v top=WORDS COUNTS...

length($2) >= shortest { total[$2] += $1 }

END {
    print "word,count"
    while (top-- > 0) {
        best = ""
        for (word in total)
            if (best == "" || total[word] > total[best] || total[word] == total[best] && word < best)
                best = word
        if (best == "")
            break
        print best "," total[best]
        delete total[best]
    }
}
