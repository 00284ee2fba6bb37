// SPDX-License-Identifier: Apache-2.0
export const sending = {
  title: 'Send from anywhere',
  text: 'Three ways to hand something to this place without opening it first.',
  key: {
    title: 'A key that may only send',
    text: 'A phone that sends needs the address and a key. With this key one can send requests to your place and see nothing of yours.',
    label: 'What is it for?',
    labelExample: 'Phone',
    make: 'Make a key',
    once: 'The key is shown only now. Put it where it is needed; then it can be forgotten here.',
    value: 'Key',
    address: 'Address',
    authorization: 'Header “Authorization”',
    done: 'I have put it there',
    where: 'You can take it back at any time',
    whereLink: 'among the keys for programs',
  },
  ios: {
    title: 'iPhone and iPad: a shortcut',
    steps: [
      'Open the app Shortcuts and make a new shortcut; call it “Send to Restante”.',
      'Tap the (i) and switch on “Show in Share Sheet”. Let it take URLs, text and files.',
      'Add the action “Get Contents of URL” and give it the address from above.',
      'Open its details: method POST; under Headers add “Authorization” with the text from above.',
      'Request body: Form. Add a field “url” of the kind Text with the value “Shortcut Input”.',
      'Now “Share” in any app shows “Send to Restante”.',
    ],
  },
  android: {
    title: 'Android: the share menu',
    text: 'Install this page as an app (in the menu of Chrome: “Add to home screen”, “Install”). After that it stands in the share menu of other apps. You see what was shared and press Send.',
    other: 'Without the app',
    otherText:
      'The app “HTTP Shortcuts” can send without opening anything: make a shortcut with method POST, the address from above, the header “Authorization” from above, and the body type “Form data” with a field “url” whose value is the shared text.',
  },
  bookmark: {
    title: 'Any browser: a bookmark',
    text: 'Drag this to your bookmarks. On any page, click it: this place opens with the address of that page, and you press Send.',
    name: 'Send to Restante',
    drag: 'Drag it to your bookmarks; clicking it here does nothing.',
    byHand: 'Or make a bookmark yourself and give it this as its address:',
    value: 'The bookmark’s address',
  },
};
