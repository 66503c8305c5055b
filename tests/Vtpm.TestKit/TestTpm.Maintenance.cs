using Vtpm.Engine.Commands.Maintenance;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Maintenance: the manufacturer, and what it has done to its TPMs.</content>
public sealed partial class TestTpm
{
    private TpmPubKey? _manufacturersKey;

    /// <summary>The key of the TPM's manufacturer; its factors are in the test vectors.</summary>
    public TpmPubKey ManufacturersKey => _manufacturersKey ??= new TpmPubKey
    {
        AlgorithmParms = StorageParms,
        PubKey = new TpmStorePubKey { Key = Engine.Platform.Rsa.Generate(2048).Modulus },
    };

    /// <summary>TPM_LoadManuMaintPub, of <see cref="ManufacturersKey"/> unless another one is given.</summary>
    public void LoadManuMaintPub(TpmPubKey? key = null)
    {
        _manufacturersKey = key ?? ManufacturersKey;
        Send(new LoadManuMaintPub(), new LoadManuMaintPubRequest { AntiReplay = NewNonce(), PubKey = ManufacturersKey });
    }

    /// <summary>TPM_CreateMaintenanceArchive.</summary>
    public CreateMaintenanceArchiveResponse CreateMaintenanceArchive(bool generateRandom) =>
        Send(new CreateMaintenanceArchive(), new CreateMaintenanceArchiveRequest { GenerateRandom = generateRandom }, Oiap(OwnerAuth));
}
