using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>What <c>vtpm run</c> starts from, and what it refuses: no state is ever given up unasked.</summary>
public sealed class RunTests
{
    private const string OtherUuid = "0a0b0c0d-1111-4222-8333-444455556666";

    [Fact]
    public void Image_ThatIsNew_IsManufacturedAndThenKept()
    {
        using Chain chain = Chain.Started();
        Assert.Contains("MANUFACTURING A NEW TPM: the manager does not know this vTPM's uuid", chain.Vtpm!.Log, StringComparison.Ordinal);
        byte[] endorsementKey = EndorsementKey(chain);
        chain.StartVtpm();
        Assert.DoesNotContain("MANUFACTURING", chain.Vtpm.Log, StringComparison.Ordinal);
        Assert.Equal(endorsementKey, EndorsementKey(chain));
    }

    [Fact]
    public void Image_ThatWasBlanked_GivesANewTpmLoudly()
    {
        using Chain chain = Chain.Started();
        byte[] endorsementKey = EndorsementKey(chain);
        chain.Vtpm!.Kill();
        File.WriteAllBytes(chain.VtpmImage, new byte[new FileInfo(chain.VtpmImage).Length]);
        chain.StartVtpm();
        Assert.Contains("MANUFACTURING A NEW TPM: its image is blank", chain.Vtpm.Log, StringComparison.Ordinal);
        Assert.NotEqual(endorsementKey, EndorsementKey(chain));
    }

    [Fact]
    public void Uuid_ThatIsAnother_GivesANewTpmLoudly()
    {
        using Chain chain = Chain.Started();
        byte[] endorsementKey = EndorsementKey(chain);
        chain.Vtpm!.Kill();
        chain.Uuid = OtherUuid;
        chain.StartManager();
        chain.StartVtpm();
        Assert.Contains("MANUFACTURING A NEW TPM: the manager does not know this vTPM's uuid", chain.Vtpm.Log, StringComparison.Ordinal);
        Assert.NotEqual(endorsementKey, EndorsementKey(chain));
    }

    [Fact]
    public void Manufacture_WhenAsked_GivesANewTpmLoudly()
    {
        using Chain chain = Chain.Started();
        byte[] endorsementKey = EndorsementKey(chain);
        chain.StopVtpm();
        chain.StartVtpm("--manufacture");
        Assert.Contains("MANUFACTURING A NEW TPM, as told", chain.Vtpm!.Log, StringComparison.Ordinal);
        byte[] made = EndorsementKey(chain);
        Assert.NotEqual(endorsementKey, made);
        chain.StartVtpm();
        Assert.Equal(made, EndorsementKey(chain));
    }

    [Fact]
    public void WithoutEK_OnANewTpm_LeavesItToTheGuest()
    {
        using Chain chain = Chain.Started("--without-ek");
        using TpmClient tpm = chain.Connect();
        Assert.Equal(TpmResult.NoEndorsement, Assert.Throws<TpmCommandException>(() => tpm.ReadPubek()).Result);
    }

    [Fact]
    public void Image_ThatMatchesInNeitherSlot_IsRefusedAndLeft()
    {
        using Chain chain = Chain.Started();
        byte[] endorsementKey = EndorsementKey(chain);
        chain.StopVtpm();
        byte[] good = File.ReadAllBytes(chain.VtpmImage);
        byte[] bad = [.. good];
        for (int slot = 0; slot < bad.Length; slot += bad.Length / 2) bad[slot + 100] ^= 1;
        File.WriteAllBytes(chain.VtpmImage, bad);

        AssertRefused(chain.RunVtpm(), 3, "neither slot", "--manufacture", "nothing was changed");
        Assert.Equal(bad, File.ReadAllBytes(chain.VtpmImage));

        File.WriteAllBytes(chain.VtpmImage, good);
        chain.StartVtpm();
        Assert.Equal(endorsementKey, EndorsementKey(chain));
    }

    [Fact]
    public void Image_OfAnotherManagersVtpm_IsRefusedAndLeft()
    {
        using Chain chain = Chain.Started(), other = Chain.Started();
        byte[] endorsementKey = EndorsementKey(chain);
        chain.StopVtpm();
        other.StopVtpm();
        byte[] image = File.ReadAllBytes(chain.VtpmImage);
        AssertRefused(
            VtpmProcess.Run("run", "--image", chain.VtpmImage, "--manager", other.ManagerAddress.ToString(), "--listen", chain.VtpmAddress.ToString()),
            3, "neither slot", "--manufacture");
        Assert.Equal(image, File.ReadAllBytes(chain.VtpmImage));
        chain.StartVtpm();
        Assert.Equal(endorsementKey, EndorsementKey(chain));
    }

    [Fact]
    public void Manager_ThatIsAPlainTpm_IsRefused()
    {
        using var chain = new Chain();
        chain.StartHardware();
        AssertRefused(
            VtpmProcess.Run("run", "--image", chain.VtpmImage, "--manager", chain.HardwareAddress.ToString(), "--listen", chain.VtpmAddress.ToString()),
            4, "LOADHASHKEY", "not a vTPM manager", "--manufacture");
        Assert.False(File.Exists(chain.VtpmImage));
    }

    [Fact]
    public void Manager_ThatIsNotThere_IsUnavailable()
    {
        using var chain = new Chain();
        AssertRefused(chain.RunVtpm(), 4, "the manager is not to be reached", "there is no such socket");
    }

    [Fact]
    public void Vtpm_RunTwice_LeavesTheFirstAlone()
    {
        using Chain chain = Chain.Started();
        byte[] endorsementKey = EndorsementKey(chain);
        AssertRefused(chain.RunVtpm(), 4, "vtpm.img", "another process");
        // With an image of its own it is the manager that refuses: one uuid is one vTPM.
        AssertRefused(
            VtpmProcess.Run("run", "--image", chain["other.img"], "--manager", chain.ManagerAddress.ToString(), "--listen", "unix:" + chain["other.sock"]),
            3, "in use by another process");
        Assert.Equal(endorsementKey, EndorsementKey(chain));
        chain.StartVtpm();
        Assert.Equal(endorsementKey, EndorsementKey(chain));
    }

    [Fact]
    public void HwInitPcr_AtTheStart_CopiesTheHardwaresPcrs()
    {
        using var chain = new Chain();
        chain.StartHardware();
        TpmDigest[] values;
        using (TpmClient hardware = chain.ConnectToHardware())
        {
            hardware.Extend(1, TpmDigest.Of("firmware"u8));
            hardware.Extend(3, TpmDigest.Of("option ROM"u8));
            hardware.Extend(4, TpmDigest.Of("loader"u8));
            values = [.. Enumerable.Range(0, 5).Select(pcr => hardware.PcrRead((uint)pcr))];
        }

        chain.StartManager();
        chain.StartVtpm("hwinitpcr=0-3");
        using TpmClient tpm = chain.Connect();
        for (uint pcr = 0; pcr <= 3; pcr++) Assert.Equal(values[pcr], tpm.PcrRead(pcr));
        Assert.NotEqual(default, tpm.PcrRead(1));
        Assert.Equal(default, tpm.PcrRead(4));
    }

    [Fact]
    public void Save_AfterSaveState_RestoresThePcrs()
    {
        using Chain chain = Chain.Started();
        TpmDigest value;
        using (TpmClient tpm = chain.Connect())
        {
            value = tpm.Extend(10, TpmDigest.Of("measured"u8));
            tpm.SaveState();
        }

        chain.StopVtpm();
        chain.StartVtpm("save");
        using (TpmClient tpm = chain.Connect()) Assert.Equal(value, tpm.PcrRead(10));
        chain.StartVtpm("clear");
        using (TpmClient tpm = chain.Connect()) Assert.Equal(default, tpm.PcrRead(10));
    }

    [Fact]
    public void Save_WithoutSaveState_IsRefused()
    {
        using Chain chain = Chain.Started();
        chain.StopVtpm();
        AssertRefused(chain.RunVtpm("save"), 3, "TPM_Startup(State)");
    }

    [Fact]
    public void Deactivated_AtTheStart_IsUntilTheNext()
    {
        using Chain chain = Chain.Started();
        chain.StartVtpm("deactivated");
        using (TpmClient tpm = chain.Connect())
            Assert.Equal(TpmResult.Deactivated, Assert.Throws<TpmCommandException>(() => tpm.ReadPubek()).Result);
        chain.StartVtpm();
        Assert.NotEmpty(EndorsementKey(chain));
    }

    [Fact]
    public void LogLevelError_OnAnEverydayStart_SaysNothing()
    {
        using Chain chain = Chain.Started();
        chain.StopVtpm();
        using VtpmProcess quiet = VtpmProcess.Start([.. chain.VtpmArguments, "loglevel=error"]);
        // It says nothing, also not when it is ready: its socket does.
        using TpmClient tpm = chain.ConnectWhenThere();
        tpm.ReadPubek();
        quiet.Signal(UnixSignal.Terminate);
        Assert.Equal(0, quiet.WaitForExit());
        Assert.Equal("", quiet.Log);
    }

    private static void AssertRefused((int ExitCode, string Output) run, int exitCode, params string[] says)
    {
        foreach (string text in says) Assert.Contains(text, run.Output, StringComparison.Ordinal);
        Assert.Equal(exitCode, run.ExitCode);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    private static byte[] EndorsementKey(Chain chain)
    {
        using TpmClient tpm = chain.Connect();
        return SHA256.HashData(WireFormat.ToBytes(tpm.ReadPubek()));
    }
}
