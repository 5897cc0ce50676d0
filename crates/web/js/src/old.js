/* For browsers that know no modules: they get this file and none of the others. */
(function () {
  var place = document.getElementById('trouble') || document.getElementById('verdict');
  if (place) {
    place.hidden = false;
    place.appendChild(
      document.createTextNode('This browser is too old for this page. Update it, or use the donor program.'),
    );
  }
})();
