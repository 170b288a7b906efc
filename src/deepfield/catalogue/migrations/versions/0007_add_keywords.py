"""Add what headers say under the keywords by which files are searched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

IS_ENDED, IS_CURRENT = sa.text("seq_to IS NOT NULL"), sa.text("seq_to IS NULL")
KEYWORDS = """
    act_id apername asnpool asntable bartdelt bendtime bkgdtarg bkglevel bkgsub bmidtime bstrtime category cont_id
    datamode dataprob date_mjd date_end_mjd date_obs_mjd detector drpfrms1 drpfrms3 duration effexptm effinttm
    eng_qual exp_type expcount expend expmid exposure expripar expstart fastaxis filter frmdivsr gainfact gdstarid
    groupgap gs_dec gs_mag gs_order gs_ra gsendtim_mjd gsstrttm_mjd gs_udec gs_umag gs_ura helidelt hendtime
    hga_move hmidtime hstrtime instrume intarget is_psf lamp mu_dec mu_epoch_mjd mu_ra nexposur nextend nframes
    ngroups nints nresets nrststrt nsamples numdthpt nwfsest obs_id observtn obslabel origin pcs_mode pi_name
    pps_aper prd_ver program prop_dec prop_ra pwfseet readpatt sca_num scicat sdp_ver selfref seq_id slowaxis
    subarray subcat subsize1 subsize2 substrt1 substrt2 targ_dec targ_ra targname targoopp targprop targtype
    targudec targura telescop template tframe tgroup timesys title tsample tsovisit visit visit_id visitend_mjd
    visitgrp visitsta visitype vststart_mjd xoffset yoffset zerofram errtype rois roiw wpower wtype datamodl
    exp_only exsegnum exsegtot intstart intend date_beg_mjd obsfoldr sctarate opmode osf_file expsteng_mjd masterbg
    scatfile srctyapt tcatfile patt_num pattsize patttype pridtpts subpxpts crowdfld engqlptg oss_ver noutputs
    gs_v3_pa dirimage pixfrac pxsclrt segmfile va_dec va_ra compress bkgmeth targcat targdesc gsc_ver primecrs
    extncrs tmeasure mstr_rd1 mstr_sk1 mstr_rd2 mstr_sk2 mstr_rpt mstr_ilv sstr_stp sstr_nst bkgd_scl mtshadow
    cal_ver cal_vcs crds_ctx crds_ver channel coronmsk fa1value fa2value fa3value fam_la1 fam_la2 fam_la3
    faphase1 faphase2 faphase3 fastep1 fastep2 fastep3 faunit1 faunit2 faunit3 module pilin pupil subpxpat pridtype
    smgrdpat focuspos fwcpos pwcpos nrimdtpt content observer object insmode arrname calib fcsrlpos fxd_slit grating
    gwa_pxav gwa_pyav gwa_tilt gwa_xp_v gwa_xtil gwa_yp_v gwa_ytil is_imprt msaconid msametfl msametid msastate
    preimage rma_pos nrs_norm nrs_ref pattstrt dithpnts nod_type spat_num spec_num ppsdbver msacfg10 hybridff band
    cccstate spatnstp spatstep spcoffst specnstp specstep sptoffst mirngrps mirnfrms dithdirc dithopfr dsetstrt
    mrsprchn numdsets pattnpts detmode cmd_tsel fpe_side ice_side dataend datastrt dec_ddc dec_j1 dec_v1 detxcor
    detxsiz detycor detysiz gf_end gf_end_mjd gf_start gf_start_mjd gs_epoch gs_epoch_mjd gs_mudec gs_mura gs_para
    gsacstat gscentx gscenty hga_stop hga_stop_mjd hga_strt hga_strt_mjd pa_aper pa_j3 pa_v3 pointtim pointtim_mjd
    ra_ddc ra_j1 ra_v1 ddcfldpt jittravg jittrmax jittrmin guidesta numrefst fgs_aper gsidl_x gsidl_y v2_ref v3_ref
    v3i_yang vparity corr_id visitid group_id texptime
"""
WHOLE_NUMBERS = """
    cont_id datamode drpfrms1 drpfrms3 expcount fastaxis frmdivsr groupgap gs_order nexposur nextend nframes ngroups
    nints nresets nrststrt nsamples numdthpt sca_num slowaxis subsize1 subsize2 substrt1 substrt2 exsegnum exsegtot
    intstart intend patt_num pridtpts subpxpts noutputs mstr_rd1 mstr_sk1 mstr_rd2 mstr_sk2 mstr_rpt mstr_ilv
    sstr_stp sstr_nst fa1value fa2value fa3value fam_la1 fam_la2 fam_la3 fastep1 fastep2 fastep3 nrimdtpt fcsrlpos
    msaconid msametid rma_pos nrs_norm nrs_ref pattstrt spat_num spec_num spatnstp specnstp mirngrps mirnfrms
    dsetstrt numdsets pattnpts detxcor detxsiz detycor detysiz numrefst vparity
"""
NUMBERS = """
    bartdelt bendtime bkglevel bmidtime bstrtime date_mjd date_end_mjd date_obs_mjd duration effexptm effinttm
    expend expmid expstart gainfact gs_dec gs_mag gs_ra gsendtim_mjd gsstrttm_mjd gs_udec gs_umag gs_ura helidelt
    hendtime hmidtime hstrtime mu_dec mu_epoch_mjd mu_ra nwfsest prop_dec prop_ra pwfseet targ_dec targ_ra targudec
    targura tframe tgroup tsample visitend_mjd vststart_mjd xoffset yoffset rois roiw wpower date_beg_mjd sctarate
    expsteng_mjd gs_v3_pa pixfrac pxsclrt va_dec va_ra primecrs extncrs tmeasure bkgd_scl faunit1 faunit2 faunit3
    focuspos fwcpos pwcpos gwa_pxav gwa_pyav gwa_tilt gwa_xp_v gwa_xtil gwa_yp_v gwa_ytil spatstep spcoffst specstep
    sptoffst dataend datastrt dec_ddc dec_j1 dec_v1 gf_end_mjd gf_start_mjd gs_epoch_mjd gs_mudec gs_mura gs_para
    gscentx gscenty hga_stop_mjd hga_strt_mjd pa_aper pa_j3 pa_v3 pointtim_mjd ra_ddc ra_j1 ra_v1 jittravg jittrmax
    jittrmin gsidl_x gsidl_y v2_ref v3_ref v3i_yang texptime
"""


def upgrade() -> None:
    kinds = dict.fromkeys(WHOLE_NUMBERS.split(), sa.BigInteger) | dict.fromkeys(NUMBERS.split(), sa.Double)
    op.create_table(
        "keyword",
        sa.Column("artifact_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("obs_number", sa.BigInteger(), nullable=False),
        sa.Column("file_set", types.Characters(), nullable=False),
        sa.Column("stage", types.Characters(), nullable=True),
        *(sa.Column(name, kinds.get(name, types.Characters)(), nullable=True) for name in KEYWORDS.split()),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("artifact_number", "seq_from", name="pk_keyword"),
    )
    op.create_index("ix_keyword_obs_number", "keyword", ["obs_number"])
    op.create_index("ix_keyword_seq_from", "keyword", ["seq_from"])
    op.create_index("ix_keyword_seq_to", "keyword", ["seq_to"], sqlite_where=IS_ENDED, postgresql_where=IS_ENDED)
    op.create_index(
        "uq_keyword_current",
        "keyword",
        ["artifact_number"],
        unique=True,
        sqlite_where=IS_CURRENT,
        postgresql_where=IS_CURRENT,
    )


def downgrade() -> None:
    op.drop_table("keyword")
