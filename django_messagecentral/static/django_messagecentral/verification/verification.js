/* Makes the code page better; it works without. Counts down to the resend, reads pasted codes, and takes the
   code from the text message where the browser offers it (WebOTP). */
"use strict";
(function () {
  function digitsOf(text) {
    return text.normalize("NFKC").replace(/[\s.\u2010-\u2015\u2212-]/g, "");
  }

  function tidyPaste(input) {
    input.addEventListener("paste", function (event) {
      var digits = digitsOf(event.clipboardData.getData("text"));
      if (/^\p{Nd}{4,8}$/u.test(digits)) {
        event.preventDefault();
        input.value = digits;
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
  }

  function listenForMessage(input) {
    if (!("OTPCredential" in window) || !input.form) return;
    var abort = new AbortController();
    input.form.addEventListener("submit", function () { abort.abort(); });
    navigator.credentials.get({ otp: { transport: ["sms"] }, signal: abort.signal }).then(function (message) {
      if (!message || input.value) return;
      input.value = message.code;
      if (input.form.hasAttribute("data-mc-code-form")) input.form.requestSubmit();
    }).catch(function () { /* the visitor declined, or typed it */ });
  }

  function countDown(button) {
    var box = button.parentNode;
    var help = box.querySelector("[data-mc-resend-help]");
    var status = box.querySelector("[data-mc-resend-status]");
    var label = button.textContent;
    var at = Date.now() + 1000 * Number(button.dataset.mcResendIn);
    if (Number.isNaN(at)) return;
    var waited = false;
    function tick() {
      var left = Math.ceil((at - Date.now()) / 1000);
      if (left <= 0) {
        button.disabled = false;
        button.textContent = label;
        if (waited && status) status.textContent = button.dataset.mcReady;
        return;
      }
      waited = true;
      button.disabled = true;
      var time = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
      button.textContent = button.dataset.mcWait.replace("%s", time);
      setTimeout(tick, 250);
    }
    if (help) help.hidden = true;
    tick();
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll('input[autocomplete="one-time-code"]').forEach(function (input) {
      tidyPaste(input);
      listenForMessage(input);
    });
    document.querySelectorAll("button[data-mc-resend]").forEach(countDown);
  });
})();
