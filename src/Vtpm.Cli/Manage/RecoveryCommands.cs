using System.CommandLine;
using Vtpm.Client;
using Vtpm.Manager;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>The manager's side of registration and recovery. The authority's is <c>vtpm approve register-*</c> and <c>recover-*</c>.</summary>
internal static class RecoveryCommands
{
    public static Command Register(ManagementLink link)
    {
        const string description = """
            Gives a group's keys to its authority, which can then recover the group: on another board, or after firmware that came before its approval.

            Only the manager that made the group's keys can do it (group-add, group-rotate), until it is stopped. Files go to and fro:
              1. authority   vtpm approve register-start --key authority.pem group1      makes group1.request and group1.secret
              2. here        vtpm manage group-register 1 group1.request group1.answer
              3. authority   vtpm approve register-finish group1 group1.keys --aik aik.pub --platform 0e00ff=...
            The keys are masked on their way; group1.keys is for the authority's safe.
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        var request = new Argument<string>("request") { Description = "The authority's file.", HelpName = "REQUEST" };
        var answer = new Argument<string>("answer") { Description = "Where the answer is written, for the authority.", HelpName = "ANSWER" };
        var pcrs = new PcrOptions();
        return Verb("group-register", description, link, [group, request, answer, pcrs.List, pcrs.Mask], (result, manager, values) =>
        {
            string path = result.GetRequiredValue(answer);
            UserFile.MustNotExist(path);
            var asked = RecoveryFiles.Read<RegistrationRequestFile>(UserFile.Read(result.GetRequiredValue(request)), "the request of 'vtpm approve register-start'");
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            VtpmPlatform platform = Platform(pcrs.Read(result), values);
            VtpmGroupRegisterResponse response = manager.RegisterGroup(new VtpmGroupRegisterRequest
            {
                Group = index,
                Dhkx1 = asked.Dhkx1,
                Signature = asked.Signature,
                PcrSelection = platform.PcrSelection,
            });
            Guid uuid = manager.GroupInfo(index).GroupUuid;
            UserFile.Create(path, WireFormat.ToBytes(new RegistrationAnswerFile { GroupUuid = uuid, Platform = platform, Response = response }));
            Report(result, uuid, path, platform);
        });
    }

    public static Command MakeIdentity(ManagementLink link)
    {
        const string description = """
            Makes an identity key in the hardware TPM that vouches for it in a recovery (group-recover), and writes it to a file; it is no secret.

            It may be made long before it is needed.
            """;
        var output = new Argument<string>("output") { Description = "Where the key is written, for the authority too.", HelpName = "OUTPUT" };
        return ManageCommand.Verb("make-identity", description, link, [output], (result, manager) =>
        {
            string path = result.GetRequiredValue(output);
            UserFile.MustNotExist(path);
            VtpmMakeIdentityResponse identity = manager.MakeIdentity();
            UserFile.Create(path, WireFormat.ToBytes(new IdentityFile { Key = identity.IdKey, Binding = identity.IdentityBinding }));
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteString("file", path));
        });
    }

    public static Command Recover(ManagementLink link)
    {
        const string description = """
            Asks the authority of a closed group for the group's keys, with the hardware's word on what this machine is.

            The manager has to run on until the last step. Files go to and fro:
              1. here        vtpm manage make-identity machine7.identity
              2. authority   vtpm approve recover-start rescue --ek machine7.ek --identity machine7.identity    makes rescue.request and rescue.secret
              3. here        vtpm manage group-recover 1 --identity machine7.identity rescue.request rescue.answer
              4. authority   vtpm approve recover-finish rescue --keys group1.keys --platform 0e00ff=...        makes rescue.reply
              5. here        vtpm manage group-recover-finish rescue.reply
            The authority knows the machine by its endorsement key ('vtpm manage pubek', when it was set up), and the platform by its composite hash.
            Then the group is open until the next start: give it an identity (group-identity) and a configuration that approves this machine (group-update).
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        var identity = new Option<string>("--identity") { Description = "The file of make-identity.", HelpName = "FILE", Required = true };
        var request = new Argument<string>("request") { Description = "The authority's file.", HelpName = "REQUEST" };
        var answer = new Argument<string>("answer") { Description = "Where the answer is written, for the authority.", HelpName = "ANSWER" };
        var pcrs = new PcrOptions();
        return Verb("group-recover", description, link, [group, identity, request, answer, pcrs.List, pcrs.Mask], (result, manager, values) =>
        {
            string path = result.GetRequiredValue(answer);
            UserFile.MustNotExist(path);
            var key = RecoveryFiles.Read<IdentityFile>(UserFile.Read(result.GetRequiredValue(identity)), "an identity of 'vtpm manage make-identity'");
            var asked = RecoveryFiles.Read<RecoveryRequestFile>(UserFile.Read(result.GetRequiredValue(request)), "the request of 'vtpm approve recover-start'");
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            VtpmPlatform platform = Platform(pcrs.Read(result), values);
            TpmSymmetricKey proof = manager.ActivateIdentity(key.Key, asked.Challenge);
            VtpmGroupRecover1Response response = manager.BeginRecovery(new VtpmGroupRecover1Request
            {
                Group = index,
                ProxyAik = key.Key,
                Nonce = asked.Nonce,
                PcrSelection = platform.PcrSelection,
            });
            Guid uuid = manager.GroupInfo(index).GroupUuid;
            UserFile.Create(path, WireFormat.ToBytes(new RecoveryAnswerFile { GroupUuid = uuid, Proof = proof, Platform = platform, Response = response }));
            Report(result, uuid, path, platform);
        });
    }

    public static Command FinishRecovery(ManagementLink link)
    {
        const string description = """
            Opens a closed group with what its authority has replied: the last step of group-recover, whose help has them all.
            """;
        var reply = new Argument<string>("reply") { Description = "The authority's file.", HelpName = "REPLY" };
        return ManageCommand.Verb("group-recover-finish", description, link, [reply], (result, manager) =>
        {
            var given = RecoveryFiles.Read<RecoveryReplyFile>(UserFile.Read(result.GetRequiredValue(reply)), "the reply of 'vtpm approve recover-finish'");
            uint index = new GroupReference(0, given.GroupUuid).Resolve(manager);
            manager.FinishRecovery(new VtpmGroupRecover2Request { Group = index, Dhkx2 = given.Dhkx2, RecoverBlob = given.RecoverBlob });
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteNumber("recovered", index));
            else Log.Line($"group {index} ({given.GroupUuid}) is open until the manager's next start: now give it an identity (group-identity), and a configuration that approves this machine (group-update)");
        });
    }

    /// <summary>A verb that reads the hardware's PCRs first: a device is for one at a time.</summary>
    private static Command Verb(
        string name, string description, ManagementLink link, ReadOnlySpan<Symbol> symbols, Action<ParseResult, VtpmManagement, IReadOnlyDictionary<int, TpmDigest>> run)
    {
        Command command = ManageCommand.Verb(name, description, link, symbols, static (_, _) => { });
        command.SetAction(result =>
        {
            IReadOnlyDictionary<int, TpmDigest> values = link.ReadHardwarePcrs(result);
            using VtpmManagement manager = link.Open(result);
            run(result, manager, values);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static VtpmPlatform Platform(uint mask, IReadOnlyDictionary<int, TpmDigest> values) =>
        new() { PcrSelection = PcrList.ToSelection(mask), Composite = PcrList.Composite(mask, pcr => values[pcr]) };

    private static void Report(ParseResult result, Guid group, string path, VtpmPlatform platform)
    {
        if (!result.GetValue(Output.Json))
        {
            Log.Line($"{path}: group {group}, on {PlatformText.Argument(platform)}");
            return;
        }

        Output.WriteObject(json =>
        {
            json.WriteString("file", path);
            json.WriteString("group", group);
            json.WriteString("platform", PlatformText.Argument(platform));
        });
    }
}
