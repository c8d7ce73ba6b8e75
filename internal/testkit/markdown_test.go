package testkit

import (
	"reflect"
	"testing"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	const document = "# A\n\n```yaml file=a.yaml\na: 1\n```\n\nText, and in it\n\n- an item\n\n  ```console fails\n  $ one \\\n      two\n  said\n\n  $ three\n  ```\n\n" +
		"```sh\n# a comment\nfour  # why\n\nfive\n```\n\n    six\n    seven\n"
	blocks, indented := Blocks(document)
	want := []Block{
		{4, "yaml", []string{"file=a.yaml"}, "a: 1\n"},
		{12, "console", []string{"fails"}, "$ one \\\n    two\nsaid\n\n$ three\n"},
		{20, "sh", []string{}, "# a comment\nfour  # why\n\nfive\n"},
	}
	if !reflect.DeepEqual(blocks, want) {
		t.Errorf("got  %+v\nwant %+v", blocks, want)
	}
	if want := []int{26}; !reflect.DeepEqual(indented, want) {
		t.Errorf("indented blocks begin at %d, want %d", indented, want)
	}
	for i, want := range [][]Command{
		nil,
		{{12, "one \\\n    two", "said\n\n"}, {16, "three", ""}},
		{{21, "four  # why", ""}, {23, "five", ""}},
	} {
		if i == 0 {
			continue // it has none
		}
		if got := blocks[i].Commands(); !reflect.DeepEqual(got, want) {
			t.Errorf("commands of block %d: got %+v, want %+v", i, got, want)
		}
	}
	if got := blocks[0].Value("file"); got != "a.yaml" || blocks[0].Value("held-by") != "" || !blocks[1].Word("fails") {
		t.Errorf("the first block is the file %q", got)
	}
}
