import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import ca.uhn.fhir.parser.LenientErrorHandler;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.ElementDefinition;
import org.hl7.fhir.r4.model.StructureDefinition;

/**
 * Validates every JSON file of a folder against R4 and the profiles that it claims, and prints what the validator
 * says, a JSON object a line: file, severity, location, id, message. A file without a word was valid.
 *
 * <p>Usage: {@code Judge <folder of answers> <folder of definitions>...}
 *
 * <p>There is no terminology server: codes of systems that are not in the definitions cannot be looked up, and each
 * is a warning.
 */
public final class Judge {
  /** What a folder of definitions is read for; other resources there are examples and the like. */
  private static final Set<String> DEFINITIONS = Set.of("StructureDefinition", "ValueSet", "CodeSystem");

  private final FhirContext context = FhirContext.forR4();
  private ValidationSupportChain chain;
  private final ObjectMapper json = new ObjectMapper();
  private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  public static void main(String[] words) throws IOException {
    if (words.length == 0) {
      System.err.println("Usage: Judge <folder of answers> <folder of definitions>...");
      System.exit(2);
    }
    Judge judge = new Judge();
    List<Path> definitions = new ArrayList<>();
    for (int index = 1; index < words.length; index++) definitions.addAll(jsonFiles(Path.of(words[index])));
    FhirValidator validator = judge.validator(judge.definitions(definitions));
    for (Path file : jsonFiles(Path.of(words[0]))) judge.validate(validator, file);
    judge.out.flush();
  }

  private static List<Path> jsonFiles(Path folder) throws IOException {
    try (Stream<Path> found = Files.walk(folder)) {
      return found.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
  }

  private PrePopulatedValidationSupport definitions(List<Path> files) throws IOException {
    context.setParserErrorHandler(new LenientErrorHandler(false));
    PrePopulatedValidationSupport support = new PrePopulatedValidationSupport(context);
    for (Path file : files) {
      String text = Files.readString(file);
      if (!DEFINITIONS.contains(json.readTree(text).path("resourceType").asText())) continue;
      support.addResource(context.newJsonParser().parseResource(text));
    }
    return support;
  }

  private FhirValidator validator(PrePopulatedValidationSupport definitions) {
    UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
    unknown.setNonExistentCodeSystemSeverity(IssueSeverity.WARNING);
    chain =
        new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            definitions,
            new SnapshotGeneratingValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context),
            unknown);
    FhirInstanceValidator instances = new FhirInstanceValidator(chain);
    // a profile that is not at hand is a warning: the report names it
    instances.setErrorForUnknownProfiles(false);
    instances.setAnyExtensionsAllowed(true);
    return context.newValidator().registerValidatorModule(instances);
  }

  private void validate(FhirValidator validator, Path file) throws IOException {
    String name = file.getFileName().toString();
    String text = Files.readString(file);
    try {
      if (json.readTree(text).path("resourceType").asText().equals("StructureDefinition")) {
        checkSnapshot(name, text);
      }
      for (SingleValidationMessage message : validator.validateWithResult(text).getMessages()) {
        print(name, message.getSeverity().getCode(), message.getLocationString(), message.getMessageId(), message.getMessage());
      }
    } catch (RuntimeException broken) {
      print(name, "fatal", "", broken.getClass().getSimpleName(), String.valueOf(broken.getMessage()));
    }
    out.flush();
  }

  /**
   * Of an extension the validator makes no snapshot here, since it would fetch a package for that. Made by itself, it must
   * hold every element of the differential: what is left out constrains something that is not there.
   */
  private void checkSnapshot(String name, String text) throws IOException {
    StructureDefinition parsed = context.newJsonParser().parseResource(StructureDefinition.class, text);
    IBaseResource made = chain.generateSnapshot(new ValidationSupportContext(chain), parsed, null, null, null);
    Set<String> held = new HashSet<>();
    if (made instanceof StructureDefinition whole) {
      for (ElementDefinition element : whole.getSnapshot().getElement()) held.add(element.getId());
    }
    for (ElementDefinition element : parsed.getDifferential().getElement()) {
      if (held.contains(element.getId())) continue;
      String place = "StructureDefinition.differential.element.where(id = '" + element.getId() + "')";
      print(name, "error", place, "Snapshot", "An element of the differential is not in the snapshot");
    }
  }

  private void print(String file, String severity, String location, String id, String message) throws IOException {
    Map<String, String> line = new LinkedHashMap<>();
    line.put("file", file);
    line.put("severity", severity);
    line.put("location", location);
    line.put("id", id);
    line.put("message", message);
    out.println(json.writeValueAsString(line));
  }
}
