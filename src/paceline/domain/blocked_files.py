"""Files for which large providers refuse a whole mail, by the ending of their names.

A provider looks into archives, too, which is not done here: a ZIP file may hold one of these.
"""

from __future__ import annotations

from collections.abc import Iterable


def _endings(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# support.google.com/mail/answer/6590: Gmail bounces a mail with one of them, packed or not. Outlook
# hides nearly all of them from whoever gets them (support.microsoft.com, "Blocked attachments in
# Outlook"), and Exchange Online's common attachment filter refuses them.
_REFUSED = _endings("""
    ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe
    hta img ins iso isp jar jnlp js jse lib lnk mde mjs msc msi msix msixbundle msp mst nsh pif ps1
    scr sct shb sys vb vbe vbs vhd vxd wsc wsf wsh xll
""")
# What Outlook alone hides: the mail arrives, and the file cannot be opened.
_HIDDEN = _endings("""
    app asp aspx bas cer cnt crt csh der fxp gadget grp hlp hpj htc inf its ksh mad maf mag mam maq
    mar mas mat mau mav maw mcf mda mdb mdt mdw mdz msh msu ops osd pcd pl plg prf prg printerexport
    psc1 psc2 psd1 psdm1 pst py pyc pyo pyw pyz pyzw reg scf shs theme url vbp vsmacros vsw webpnp
    website ws xbap xnk
""")


def notes_on_files(names: Iterable[str]) -> tuple[str, ...]:
    """What is to be said of files of these names before they are sent; a sentence for each."""
    found = ((name, note_on_file(name)) for name in names)
    return tuple(f"attachment “{name}”: {note}" for name, note in found if note)


def note_on_file(name: str) -> str:
    """The same of one of them, beside its name; empty where nobody minds it."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _REFUSED:
        return (
            f"Gmail refuses the whole email for a file that ends in .{ending}, Outlook and others "
            "refuse or hide it: put it where it can be downloaded, and link to it"
        )
    if ending in _HIDDEN:
        return (
            f"Outlook hides files that end in .{ending} from whoever gets them: put it where it "
            "can be downloaded, and link to it"
        )
    return ""
