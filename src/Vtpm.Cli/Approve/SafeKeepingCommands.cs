using System.CommandLine;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Manager;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>The authority's side of registration and recovery: four commands, none of which needs the manager.</summary>
internal static class SafeKeepingCommands
{
    public static Command RegisterStart()
    {
        const string description = """
            Begins to take a group's keys into safe-keeping: step 1 of 3; 'vtpm manage group-register --help' has them all.

            Makes NAME.request, for the manager, and NAME.secret, which stays here.
            """;
        Argument<string> name = Name();
        var key = new Option<string>("--key") { Description = "The authority's key.", HelpName = "KEYFILE", Required = true };
        var command = new Command("register-start", description) { name, key };
        command.SetAction(result =>
        {
            string prefix = result.GetRequiredValue(name);
            using RSA rsa = KeyCommands.Load(result.GetRequiredValue(key));
            using var registration = new GroupRegistration(rsa);
            Begin(prefix, registration.ToRequestFile(), registration.ToSecretFile());
            Report(result, prefix + ".request");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    public static Command RegisterFinish()
    {
        const string description = """
            Takes a group's keys out of the manager's answer: step 3 of 3; 'vtpm manage group-register --help' has them all.

            Reads NAME.secret and NAME.answer. The answer has to be vouched for by the group's identity key (aik.pub of group-add), on a platform that is
            named here. KEYS opens the group anywhere: as secret as the authority's own key. NAME.secret has no use after it and is deleted.
            """;
        Argument<string> name = Name();
        var keys = new Argument<string>("keys") { Description = "Where the group's keys are written.", HelpName = "KEYS" };
        var aik = new Option<string>("--aik") { Description = "The group's identity key: aik.pub.", HelpName = "FILE", Required = true };
        Option<string[]> platforms = Platforms();
        var command = new Command("register-finish", description) { name, keys, aik, platforms };
        command.SetAction(result =>
        {
            string prefix = result.GetRequiredValue(name), output = result.GetRequiredValue(keys);
            UserFile.MustNotExist(output);
            using GroupRegistration registration = WithSecret(prefix, GroupRegistration.FromSecretFile);
            byte[] identity = AuthorityModulus.Parse(UserFile.Read(result.GetRequiredValue(aik)), "an identity key's");
            using GroupRecoveryKeys taken = registration.Complete(UserFile.Read(prefix + ".answer"), identity, Approved(result.GetValue(platforms)));
            byte[] file = taken.ToFile();
            UserFile.CreatePrivate(output, file);
            CryptographicOperations.ZeroMemory(file);
            File.Delete(prefix + ".secret");
            Report(result, output);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    public static Command RecoverStart()
    {
        const string description = """
            Begins to recover a group: challenges the machine. Step 2 of 5; 'vtpm manage group-recover --help' has them all.

            Makes NAME.request, for the manager, and NAME.secret, which stays here.
            """;
        Argument<string> name = Name();
        var ek = new Option<string>("--ek")
            { Description = "The machine's endorsement key, from when it was set up ('vtpm manage pubek').", HelpName = "FILE", Required = true };
        var identity = new Option<string>("--identity")
            { Description = "The machine's file of 'vtpm manage make-identity'.", HelpName = "FILE", Required = true };
        var command = new Command("recover-start", description) { name, ek, identity };
        command.SetAction(result =>
        {
            string prefix = result.GetRequiredValue(name);
            byte[] endorsementKey = AuthorityModulus.Parse(UserFile.Read(result.GetRequiredValue(ek)), "an endorsement key's");
            var key = RecoveryFiles.Read<IdentityFile>(UserFile.Read(result.GetRequiredValue(identity)), "an identity of 'vtpm manage make-identity'");
            using RecoveryChallenge challenge = RecoveryChallenge.Create(endorsementKey, key, out byte[] request);
            Begin(prefix, request, challenge.ToSecretFile());
            Report(result, prefix + ".request");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    public static Command RecoverFinish()
    {
        const string description = """
            Judges a machine's answer, and gives it the group's keys. Step 4 of 5; 'vtpm manage group-recover --help' has them all.

            Reads NAME.secret and NAME.answer, and makes NAME.reply, which only the manager that asked can use. The machine has to be the one that was
            challenged, on a platform that is named here. NAME.secret has no use after it and is deleted.
            """;
        Argument<string> name = Name();
        var keys = new Option<string>("--keys") { Description = "The group's keys, of register-finish.", HelpName = "KEYS", Required = true };
        Option<string[]> platforms = Platforms();
        var command = new Command("recover-finish", description) { name, keys, platforms };
        command.SetAction(result =>
        {
            string prefix = result.GetRequiredValue(name);
            UserFile.MustNotExist(prefix + ".reply");
            using RecoveryChallenge challenge = WithSecret(prefix, RecoveryChallenge.FromSecretFile);
            using GroupRecoveryKeys kept = ReadKeys(result.GetRequiredValue(keys));
            UserFile.Create(prefix + ".reply", challenge.Reply(UserFile.Read(prefix + ".answer"), kept, Approved(result.GetValue(platforms))));
            File.Delete(prefix + ".secret");
            Report(result, prefix + ".reply");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> Name() => new("name") { Description = "What the files of this exchange are called.", HelpName = "NAME" };

    private static Option<string[]> Platforms() => new("--platform")
    {
        Description = "A platform that is approved, as 'vtpm approve composite' prints it; may be given several times.",
        HelpName = "MASK=COMPOSITE",
        Required = true,
    };

    private static Func<VtpmPlatform, bool> Approved(string[]? texts)
    {
        ApprovedList approved = ApprovedList.Parse(0, texts ?? []);
        if (approved.Kernels.Count > 0) throw new UsageException("--platform: write MASK=COMPOSITE, as 'vtpm approve composite' prints it");
        return platform => PcrList.TryFromSelection(platform.PcrSelection, out uint mask)
            && approved.Platforms.Any(one => one.PcrMask == mask && one.DigestRelease == platform.Composite);
    }

    private static void Begin(string prefix, byte[] request, byte[] secret)
    {
        UserFile.MustNotExist(prefix + ".request");
        UserFile.CreatePrivate(prefix + ".secret", secret);
        CryptographicOperations.ZeroMemory(secret);
        UserFile.Create(prefix + ".request", request);
    }

    private static T WithSecret<T>(string prefix, Func<ReadOnlySpan<byte>, T> read)
    {
        byte[] file = UserFile.Read(prefix + ".secret");
        try
        {
            return read(file);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(file);
        }
    }

    private static GroupRecoveryKeys ReadKeys(string path)
    {
        byte[] file = UserFile.Read(path);
        GroupRecoveryKeys? keys = GroupRecoveryKeys.FromFile(file);
        CryptographicOperations.ZeroMemory(file);
        return keys ?? throw new ApprovalException($"{path} has no group's keys: a file of 'vtpm approve register-finish' is wanted");
    }

    private static void Report(ParseResult result, string made)
    {
        if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteString("file", made));
        else Log.Line(made);
    }
}
