# The options of the module as a page of CommonMark, from their own descriptions.
{
  lib,
  nixosOptionsDoc,
  runCommand,
  evaluate,
  root,
}: let
  page = nixosOptionsDoc {
    options = (evaluate {}).options.services.kubelet-proxy;
    # Where an option is declared, as a path in this repository rather than in the store.
    transformOptions = option: option // {declarations = map (file: lib.removePrefix "${toString root}/" (toString file)) option.declarations;};
  };
in
  runCommand "kubelet-proxy-options.md" {} ''
    {
      echo '# Options of services.kubelet-proxy'
      echo
      cat ${page.optionsCommonMark}
    } >$out
  ''
