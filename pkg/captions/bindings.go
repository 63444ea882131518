package captions

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// numberWords are words of which numbers consist, in English and Russian.
const numberWords = ` zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
 fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred
 thousand million billion point percent
 ноль один одна одно два две три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать
 четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать тридцать сорок пятьдесят
 шестьдесят семьдесят восемьдесят девяносто сто двести триста четыреста пятьсот шестьсот семьсот восемьсот
 девятьсот тысяча тысячи тысяч миллион миллиона миллионов процент процента процентов `

// titles stand before a name, without their point.
const titles = ` mr mrs ms dr prof st г-н г-жа д-р проф акад доц им `

// bindings reports for each word whether it and the next one belong to one name or number.
func bindings(words []Word) []bool {
	set := func(list string) map[string]bool {
		m := map[string]bool{}
		for _, word := range strings.Fields(list) {
			m[word] = true
		}
		return m
	}
	numbers, before := set(numberWords), set(titles)
	bound := make([]bool, len(words))
	for i := range max(0, len(words)-1) {
		a, b := words[i].Text, words[i+1].Text
		bound[i] = bindsNumber(a, b, numbers) || bindsName(a, b, before)
	}
	return bound
}

// bindsNumber reports whether two words belong to one number: 10 000, № 5, 12 %, twenty five.
func bindsNumber(a, b string, numbers map[string]bool) bool {
	if endsPhrase(a) {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	if unicode.IsDigit(first) && (unicode.IsDigit(last) || !unicode.IsLetter(last)) {
		return true
	}
	if unicode.IsDigit(last) && (unicode.IsSymbol(first) || first == '%' || first == '°') {
		return true
	}
	return numbers[bare(a)] && numbers[bare(b)]
}

// bindsName reports whether two words belong to one name: Isaac Newton, A. N. Kolmogorov, Dr. Who.
func bindsName(a, b string, before map[string]bool) bool {
	if !capital(b) {
		return false
	}
	if initial(a) || before[bare(a)] {
		return true
	}
	return capital(a) && !endsPhrase(a)
}

func capital(word string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(word, "«\"“(„"))
	return unicode.IsUpper(first)
}

// initial reports whether a word is the first letter of a name with a point.
func initial(word string) bool {
	return utf8.RuneCountInString(word) == 2 && strings.HasSuffix(word, ".") && capital(word)
}

// bare returns a word in lower case without the marks around it.
func bare(word string) string {
	return strings.ToLower(strings.TrimFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}))
}

// endsPhrase reports whether a word ends with a mark between phrases.
func endsPhrase(word string) bool {
	return endsSentence(word) || strings.HasSuffix(word, ",") ||
		strings.HasSuffix(word, ";") || strings.HasSuffix(word, ":")
}

// endsSentence reports whether a sentence ends with a word.
func endsSentence(word string) bool {
	word = strings.TrimRight(word, "»\"”)")
	last, _ := utf8.DecodeLastRuneInString(word)
	return strings.ContainsRune(".?!…", last) && !initial(word)
}
