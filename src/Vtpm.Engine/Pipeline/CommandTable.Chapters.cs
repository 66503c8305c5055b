using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Startup;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.AuthorizationSessions;

namespace Vtpm.Engine;

/// <content>The chapters.</content>
public sealed partial class CommandTable
{
    public static CommandTable Create() => new(
    [
        // §3 Admin startup and state
        new Startup(),
        new SaveState(),

        // §6 Ownership
        new TakeOwnership(),

        // §10 Storage functions
        new Seal(),
        new Unseal(),
        new LoadKey2(),
        new Sealx(),

        // §14 Endorsement key handling
        new CreateEndorsementKeyPair(),

        // §16 Integrity collection and reporting
        new Extend(),
        new PcrRead(),

        // §18 Authorization sessions
        new Oiap(),
        new Osap(),
    ]);
}
