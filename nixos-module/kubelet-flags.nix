# Reads flags as a kubelet would, to see what an operator asks of it: a pure function from a command
# line, a string, to a list of { key, value }. `--key=value` and `--key value` are the same; k3s also
# takes `key=value`, lets `+` or `-` after the key say where to put it, and splits at commas; a kubelet
# reads `_` in a name as `-`. Reading too much is harmless, reading too little is not.
lib: let
  unquote = lib.replaceStrings ["\"" "'"] ["" ""];
  spaced = lib.replaceStrings ["\n" "\t" "\\"] [" " " " " "];
  words = line: lib.filter (word: word != "") (lib.splitString " " (unquote (spaced line)));

  undashed = key: lib.removePrefix "-" (lib.removePrefix "-" key);
  plain = key: lib.removeSuffix "+" (lib.removeSuffix "-" (undashed (lib.replaceStrings ["_"] ["-"] key)));

  # "key=value" or "key", dashes or not.
  split = word: let
    parts = lib.splitString "=" word;
  in {
    key = plain (lib.head parts);
    value = lib.concatStringsSep "=" (lib.tail parts);
  };

  # A flag without "=" may have its value in the next word.
  pair = word: next: let
    flag = split word;
  in
    if lib.hasInfix "=" word || lib.hasPrefix "-" next
    then flag
    else flag // {value = next;};

  read = line: let
    all = words line;
    nexts = lib.tail all ++ [""];
  in
    lib.filter (flag: flag != null) (lib.zipListsWith (word: next:
      if lib.hasPrefix "-" word
      then pair word next
      else null)
    all (lib.optionals (all != []) nexts));
in {
  inherit read;

  # Whether systemd changes nothing in a line before it is run: it would expand variables and specifiers
  # and resolve escapes, and the flags read here would be others than those of the kubelet.
  isLiteral = line: let
    joined = lib.replaceStrings ["\\\n"] [" "] line;
  in
    lib.all (special: !lib.hasInfix special joined) ["$" "%" "\\"];

  # The kubelet's flags among those of k3s.
  ofK3s = line: let
    given = lib.filter (flag: flag.key == "kubelet-arg") (read line);
  in
    map split (lib.concatMap (flag: lib.splitString "," flag.value) given);
}
