# Write, as JSON, how many words each chapter has, and how many different ones.
#
# usage: awk -f chapters.awk COUNTS...

FNR == 1 { name[++chapters] = FILENAME }

{
    words[FILENAME] += $1
    distinct[FILENAME]++
}

END {
    print "{"
    for (i = 1; i <= chapters; i++) {
        comma = i < chapters ? "," : ""
        printf "  \"%s\": {\"words\": %d, \"distinct\": %d}%s\n",
            name[i], words[name[i]], distinct[name[i]], comma
    }
    print "}"
}
