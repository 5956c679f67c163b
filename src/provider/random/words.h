/* The words that random_pet makes names of. */
#pragma once

static const char *const pet_adverbs[] = {"boldly", "bravely", "brightly", "briskly", "calmly",
	"cleanly", "closely", "daily", "dearly", "deeply", "easily", "evenly", "fairly", "firmly",
	"fondly", "freely", "freshly", "fully", "gently", "gladly", "greatly", "happily", "highly",
	"jointly", "kindly", "largely", "lately", "lightly", "loudly", "merrily", "mildly",
	"mostly", "mutually", "neatly", "nicely", "openly", "plainly", "promptly", "properly",
	"quickly", "quietly", "rapidly", "readily", "richly", "safely", "sharply", "simply",
	"smoothly", "softly", "solely", "steadily", "strongly", "surely", "swiftly", "truly",
	"vastly", "warmly", "wholly", "widely", "wisely"};

static const char *const pet_adjectives[] = {"able", "active", "amber", "ample", "apt", "awake",
	"bold", "brave", "bright", "brisk", "busy", "calm", "careful", "cheerful", "clean", "clear",
	"clever", "cosy", "crisp", "curious", "daring", "deft", "eager", "early", "easy", "fair",
	"famous", "fast", "fine", "firm", "fleet", "fluffy", "fond", "free", "fresh", "gentle",
	"glad", "golden", "good", "grand", "green", "happy", "hardy", "helpful", "honest", "humble",
	"jolly", "keen", "kind", "large", "lively", "loyal", "lucky", "mellow", "merry", "mighty",
	"modest", "native", "neat", "nimble", "noble", "open", "patient", "plucky", "polite",
	"prime", "proud", "quick", "quiet", "rapid", "ready", "robust", "rosy", "sharp", "shy",
	"silent", "smart", "smooth", "snug", "solid", "sound", "steady", "sturdy", "subtle",
	"sunny", "swift", "tender", "tidy", "tough", "true", "upbeat", "valid", "vast", "vital",
	"vivid", "warm", "wild", "willing", "wise", "witty", "young", "zesty"};

static const char *const pet_names[] = {"ant", "ape", "badger", "bat", "bear", "beaver", "bee",
	"beetle", "bison", "boar", "buck", "bull", "camel", "cat", "cobra", "cod", "condor",
	"coral", "cow", "crab", "crane", "cricket", "crow", "cub", "deer", "dingo", "dog",
	"dolphin", "donkey", "dove", "duck", "eagle", "eel", "egret", "elk", "emu", "falcon",
	"fawn", "ferret", "finch", "fish", "flea", "fox", "frog", "gannet", "gecko", "gnu", "goat",
	"goose", "gopher", "grouse", "gull", "hare", "hawk", "hen", "heron", "hornet", "horse",
	"hound", "husky", "hyena", "ibex", "ibis", "iguana", "jackal", "jay", "kangaroo", "kestrel",
	"kite", "kiwi", "koala", "koi", "lamb", "lark", "lemur", "leopard", "lion", "lizard",
	"llama", "lobster", "lynx", "macaw", "magpie", "mako", "mantis", "marmot", "marten", "mink",
	"minnow", "mole", "monkey", "moose", "moth", "mouse", "mule", "newt", "ocelot", "octopus",
	"orca", "oriole", "osprey", "otter", "owl", "ox", "oyster", "panda", "panther", "parrot",
	"pelican", "penguin", "perch", "pigeon", "pike", "pony", "puffin", "puma", "quail",
	"rabbit", "raccoon", "ram", "raven", "ray", "robin", "rook", "salmon", "seal", "shark",
	"sheep", "shrew", "shrimp", "skunk", "sloth", "snail", "sparrow", "spider", "squid",
	"squirrel", "stag", "starling", "stork", "swan", "swift", "tapir", "teal", "termite",
	"tern", "thrush", "tiger", "toad", "trout", "tuna", "turkey", "turtle", "viper", "vole",
	"walrus", "wasp", "weasel", "whale", "wolf", "wombat", "wren", "yak", "zebra"};
