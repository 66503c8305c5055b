using Vtpm.Engine.Commands.Maintenance;
using Vtpm.Engine.Tests.Commands.Maintenance;
using Vtpm.TestKit;

namespace Vtpm.Engine.Tests.Theories;

/// <content>Maintenance, by manufacturer and owner together.</content>
public static partial class Corpus
{
    private static void Maintain(TestTpm tpm)
    {
        tpm.LoadManuMaintPub();
        tpm.Send(new ReadManuMaintPub(), new ReadManuMaintPubRequest { AntiReplay = tpm.NewNonce() });
        foreach (bool generateRandom in (bool[])[true, false])
        {
            CreateMaintenanceArchiveResponse created = tpm.CreateMaintenanceArchive(generateRandom);
            TpmState before = tpm.State;
            ReadOnlyMemory<byte> srk = tpm.State.Permanent.Data.Srk!.Key.PubKey.Key;
            LoadMaintenanceArchiveRequest forwarded = Manufacturer.Forward(tpm.ManufacturersKey.PubKey.Key, created, srk);
            tpm.Send(new LoadMaintenanceArchive(), forwarded, Owner(tpm));
            // The TPM is cleared now; what follows begins where it was.
            tpm.State = before;
        }

        tpm.Send(new KillMaintenanceFeature(), default, Owner(tpm));
    }
}
