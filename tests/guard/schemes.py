# SPDX-License-Identifier: Apache-2.0
"""URI schemes that are registered (IANA) or that programs understand, without those that places fetch."""
SCHEMES = """
aaa aaas about acap acct acd acr adiumxtra adt afp afs aim amss android appdata apt ar ark at attachment aw barion bb beshare bitcoin
bitcoincash blob bluetooth bolo brid browserext cabal calculator callto cap cast casts chrome chrome-extension cid coap coap+tcp coap+ws
coaps coaps+tcp coaps+ws com-eventbrite-attendee content crid cstr cvs dab dat data dav dhttp diaspora dict did dis dlna-playcontainer
dlna-playsingle dns dntp doi dpp drm drop dtmi dtn dvb dvx dweb ed2k eid elsi embedded ens ethereum example facetime fax feed
feedready fido file filesystem finger first-run-pen-experience fish fm fuchsia-pkg geo gg git git+ssh gitoid gizmoproject go
gopher graph grd gtalk h323 ham hcap hcp hxxp hxxps hydrazone hyper iax icap icon im imap imaps info iotdisco ipfs ipn ipns ipp ipps
irc irc6 ircs iris iris.beep isostore itms jabber jar javascript jms keyparc lastfm lbry ldap ldaps leaptofrogans lorawan lpa lvlt
magnet mailserver mailto maps market matrix message microsoft.windows.camera mid mms modem mongodb moz ms-access ms-appinstaller
ms-excel ms-settings ms-word msnim msrp msrps mss mt mtqp mumble mupdate mvn news nfs ni nih nntp notes num ocf oid onenote opaquelocktoken
openid openpgp4fpr otpauth palm paparazzi payment payto pkcs11 platform pop pop3 pop3s pres prospero proxy pwid psyc pttp qb query quic-transport
redis rediss reload res resource rmi rsync rtmp rtmpe rtmps rtmpt rtsp rtsps rtspu sarif scp secondlife service session sgn shc shttp
sieve simpleledger sip sips skype smb smbs smp sms smtp smtps snews snmp soap.beep soap.beeps soldat spiffe spotify ssb ssh steam stun stuns
submit svn svn+ssh swh swid tag taler teamspeak tel teliaeid telnet tftp things thismessage thzp tip tn3270 tool torrent turn turns tv udp unreal
upt urn ut2004 uuid-in-package v-event vemmi ventrilo ves videotex vnc view-source vscode vsls w3 wais wasm wasm-js wcr webcal web+ap
web+restante wifi wpid ws wss wtai wyciwyg xcon xcon-userid xfire xmlrpc.beep xmlrpc.beeps xmpp xftp xri ymsgr z39.50 z39.50r z39.50s zoommtg
""".split()
