using Vtpm.Engine.Commands.Maintenance;
using Vtpm.TestKit;

namespace Vtpm.Engine.Tests.Theories;

/// <content>Maintenance, by manufacturer and owner together.</content>
public static partial class Corpus
{
    private static void Maintain(TestTpm tpm)
    {
        tpm.LoadManuMaintPub();
        tpm.Send(new ReadManuMaintPub(), new ReadManuMaintPubRequest { AntiReplay = tpm.NewNonce() });
        tpm.Send(new KillMaintenanceFeature(), default, Owner(tpm));
    }
}
