import groovy.json.JsonOutput
import org.codehaus.groovy.control.CompilerConfiguration

/** Prints the scripts and variables of a Jenkinsfile as Groovy reads them, one JSON object a line. */
abstract class Pipeline extends Script {
  Object invokeMethod(String name, Object args) {
    if (name == 'sh') println JsonOutput.toJson([sh: args[0].toString()])
    args.findAll { it instanceof Closure }.each { it() }
    return [:]
  }

  Object getProperty(String name) { return [:].withDefault { '' } }

  void setProperty(String name, Object value) { if (name == 'VALUE') println JsonOutput.toJson([VALUE: value.toString()]) }
}

def configuration = new CompilerConfiguration(scriptBaseClass: 'Pipeline')
def script = new GroovyShell(this.class.classLoader, new Binding(), configuration).parse(new File(args[0]))
script.run()
